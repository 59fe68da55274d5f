import FaultAudit
import InventoryService
import LedgerModel
import LockStrategies
import RedisClient
import Simulation
import Synchronization

/// A simulated world with a server of the service in it, its ledger, its Redis, and clients.
final class ServiceStage: FaultTarget {
    /// What a world begins with: one product, its stock, and the users.
    struct Models {
        let stock: RedisModel
        let lockNode: RedisModel
        let ledger: LedgerModel
    }

    private struct State {
        /// Nil: it is dead, and not yet started again.
        var server: SimulatedServer?
        /// What the disk holds while no server runs.
        var ledger: LedgerModel
        var mood = LedgerMood.well
        var starts = 0
        var calls: [Task<Void, Never>] = []
        /// Calls that the server is at now, and all that it ever began.
        var callsUnderWay = 0
        var callsBegun = 0
        var isOver = false
        var supplyChanges = false
    }

    let plan: SchedulePlan
    let world: World
    let network: Network
    let nodes: [SimulatedNode]
    var isSearch: Bool { false }
    let strikes: Int
    let notes: ServiceNotes
    /// Where the clients are: nothing happens to it.
    private let street: SimulatedProcess
    let perUserLimit: Int?
    private let chance: Int
    private let state: Mutex<State>

    /// So long after everything is well again a client waits for an answer.
    static let mostPatience = Duration.seconds(6)
    /// A client waits so long for the answer to one call.
    private static let callLimit: World.Moment = 4_000_000_000

    init(_ plan: SchedulePlan, _ world: World, models: Models, lua: LuaInterpreter) throws {
        self.plan = plan
        self.world = world
        strikes = world.number()
        network = Network(world)
        let count = plan.strategy.needsLockNodes ? plan.lockNodes : 0
        nodes = (0...count).map { number in
            SimulatedNode(
                world, number: number, lua: lua, model: number == 0 ? models.stock : models.lockNode)
        }
        notes = ServiceNotes(world)
        street = world.makeProcess()
        perUserLimit = world.choose(among: 4) == 3 ? 1 : nil
        chance = world.choose(among: 1 << 24) + 1
        state = Mutex(State(ledger: models.ledger))
        try startServer()
        if world.choose(among: 4) == 3 { nodes[0].forgetScripts() }
    }

    /// What the disk holds.
    var ledger: LedgerModel { state.withLock { $0.server?.ledger.snapshot ?? $0.ledger } }

    /// Units that come while a stock is filled are missing there, and the stock is filled once more: who buys
    /// meanwhile is told to try again.
    var supplyChanges: Bool { state.withLock(\.supplyChanges) }

    /// Nobody waits any longer.
    var isOver: Bool { state.withLock(\.isOver) }

    // MARK: The server

    private func startServer() throws {
        let drift = plan.fault == .clockDrift ? Int64(world.choose(among: 11) - 5) * 1_000 : 0
        let process = world.makeProcess(drift: drift)
        let starts = state.withLock { state in
            state.starts += 1
            return state.starts
        }
        world.tell(.process(process.number), "the server starts")
        let slowness = Slowness(plan, world)
        let ports = nodes.map {
            SimulatedRedis(
                of: process, to: $0, over: network, limit: SchedulePlan.callLimit, work: slowness.work)
        }
        let server = try SimulatedServer.start(
            SimulatedServer.Surroundings(
                plan: plan, process: process, stock: ports[0],
                lockNodes: zip(ports, nodes).dropFirst().map {
                    LockNode(name: "node \($1.number)", redis: $0)
                }, ledger: openLedger(process), random: .seeded(UInt64(chance &* 16 &+ starts)),
                perUserLimit: perUserLimit))
        state.withLock { state in
            state.server = server
            // The calls of the dead one have no end.
            state.callsUnderWay = 0
        }
    }

    private func openLedger(_ process: SimulatedProcess) -> ModelLedger {
        ModelLedger(state.withLock(\.ledger)) { [self] call throws(InventoryError) in
            try await reach(call, of: process)
        } after: { [self] call throws(InventoryError) in
            guard call.isWrite, !process.isDead else { return }
            world.tell(.process(process.number), "the ledger has done \(call.rawValue)")
            if mood == .losesAnswers, world.choose(among: 4) == 3 { throw Self.unknown }
        }
    }

    /// On the way to the ledger.
    private func reach(_ call: LedgerCall, of process: SimulatedProcess) async throws(InventoryError) {
        let delay = world.delay(from: 10_000, to: call.isWrite ? 4_000_000 : 400_000)
        try? await process.clock.sleep(until: process.clock.now + .nanoseconds(delay), tolerance: nil)
        guard !process.isDead else { throw InventoryError(.ledgerUnavailable, "the process has ended") }
        guard call.isWrite else { return }
        switch mood {
        case .well: break
        case .refuses: throw InventoryError(.ledgerFull, "the disk of the ledger is full")
        case .losesAnswers: if world.choose(among: 4) == 3 { throw Self.unknown }
        }
    }

    private static var unknown: InventoryError {
        InventoryError(.recordUnknown, "nobody knows whether it was written")
    }

    private var mood: LedgerMood { state.withLock(\.mood) }

    // MARK: Clients

    /// Asks the server, and waits for its answer for a while.
    func ask(_ order: PurchaseOrder) async -> ServiceAnswer {
        guard let server = state.withLock(\.server) else { return .noServer }
        let reply = Promise<ServiceAnswer>()
        server.process.onDeath { reply.keep(.unknown("the server ended")) }
        let call = server.process.start { [self] in
            let place = beginCall()
            // An answer that was given before is given again, whatever has been delivered since.
            let isNew = order.key.map { ledger.answer(to: order.user, under: $0) == nil } ?? true
            let answer = await server.buy(order)
            if endCall(place), isNew, case .refused(.soldOut) = answer { checkSoldOut() }
            reply.keep(answer)
        }
        state.withLock { $0.calls.append(call) }
        let timer = world.plan(at: world.now + Self.callLimit) {
            call.cancel()
            reply.keep(.unknown("no answer in time"))
        }
        let answer = await reply.value()
        world.cancel(timer)
        return answer
    }

    /// - Returns: What ``endCall(_:)`` needs; nil where the call is not the only one.
    private func beginCall() -> Int? {
        state.withLock { state in
            state.callsUnderWay += 1
            state.callsBegun += 1
            return state.callsUnderWay == 1 ? state.callsBegun : nil
        }
    }

    /// - Returns: Whether the call was the only one from its beginning to its end.
    private func endCall(_ place: Int?) -> Bool {
        state.withLock { state in
            state.callsUnderWay -= 1
            return place == state.callsBegun
        }
    }

    /// Nobody else is served, so what is left is what the ledger says: units that a dead server had reserved
    /// are nobody's.
    private func checkSoldOut() {
        guard plan.fault.keepsSales, plan.fault.leavesNothingToRefuse(plan.strategy),
            let account = ledger.stockAccount(SimulatedServer.product),
            account.supplied > account.sold
        else { return }
        notes.found(
            .lostSale, "a client was told that all is sold, and \(account.supplied - account.sold) are left")
    }

    func pause(_ time: Duration) async {
        try? await street.clock.sleep(until: street.clock.now + time, tolerance: nil)
    }

    /// Lets all clients begin.
    ///
    /// - Parameter healed: When everything is well again.
    func begin(healed: World.Moment) {
        let clients = (0..<plan.processes * plan.buyers).map { number in
            street.start { [self] in await ServiceClient(number: number, stage: self).run() }
        }
        let supply = street.start { [self] in await changeSupply() }
        world.plan(at: healed + Int64(Self.mostPatience / .nanoseconds(1))) { [self] in
            state.withLock { $0.isOver = true }
        }
        _ = street.start { [self] in
            for client in clients { await client.value }
            await supply.value
            await settle(healed)
            await close()
        }
    }

    /// In half of the worlds a unit is delivered, or one is missing, while clients buy.
    private func changeSupply() async {
        let kind = world.choose(among: 4)
        guard kind > 1 else { return }
        state.withLock { $0.supplyChanges = true }
        await pause(.milliseconds(world.choose(among: 16)))
        guard let server = state.withLock(\.server) else { return }
        let reply = Promise<Void>()
        server.process.onDeath { reply.keep(()) }
        _ = server.process.start { [self] in
            let place = beginCall()
            defer { _ = endCall(place) }
            await server.adjust(kind == 2 ? 1 : -1, UserID(Int64(plan.processes * plan.buyers + 1)))
            reply.keep(())
        }
        await reply.value()
    }

    /// Compares stock and ledger until there is nothing to put right.
    private func settle(_ healed: World.Moment) async {
        while world.now < healed { await pause(.milliseconds(10)) }
        var report: ReconcileReport?
        for _ in 0..<100 {
            // What is about to be cleared is no finding yet: a command that fails leaves it to the next
            // comparison.
            let isClearing = state.withLock(\.server)?.isClearing ?? false
            report = await reconcile()
            if let report, report.isClean, !isClearing { return }
            await pause(.milliseconds(20))
        }
        notes.found(
            .leftOpen, "the stock cannot be brought back to what the ledger says: \(Self.words(report))")
    }

    private static func words(_ report: ReconcileReport?) -> String {
        guard let report else { return "no comparison came to its end" }
        return report.entries.map { "\($0)" }.joined(separator: "; ")
    }

    private func reconcile() async -> ReconcileReport? {
        guard let server = state.withLock(\.server) else { return nil }
        let reply = Promise<ReconcileReport?>()
        server.process.onDeath { reply.keep(nil) }
        _ = server.process.start { reply.keep(await server.reconcile()) }
        return await reply.value()
    }

    private func close() async {
        guard let server = state.withLock(\.server) else { return }
        await server.process.start { await server.close() }.value
        notes.end(sleepers: server.process.sleepers)
    }

    /// Lets go of the server: it and the world hold each other.
    func end() {
        state.withLock { state in
            if let server = state.server { state.ledger = server.ledger.snapshot }
            state.server = nil
            state.calls = []
        }
    }

    // MARK: What strikes

    func chooseVictim() -> SimulatedProcess { state.withLock { $0.server?.process ?? street } }

    /// The client's connection ends: its call is cancelled.
    func cancelSomebody() {
        let calls = state.withLock(\.calls)
        guard !calls.isEmpty else { return }
        let number = world.choose(among: calls.count)
        world.tell(.world, "the client of call \(number) goes away")
        calls[number].cancel()
    }

    func killServer() {
        let server = state.withLock { state in
            defer { state.server = nil }
            if let server = state.server { state.ledger = server.ledger.snapshot }
            return state.server
        }
        guard let server else { return }
        server.process.die()
        world.plan(at: world.now + Int64(1 + world.choose(among: 8)) * 1_000_000) { [self] in
            do {
                try startServer()
            } catch {
                preconditionFailure("the strategy was made before, and is not now: \(error)")
            }
        }
    }

    func setLedger(_ mood: LedgerMood) {
        world.tell(.world, "the ledger: \(mood)")
        state.withLock { $0.mood = mood }
    }
}
