import FaultAudit
import FaultLab
import LockStrategies
import RedisClient
import Simulation
import Synchronization

/// A simulated world with servers, processes and buyers in it.
final class Stage: FaultTarget {
    let plan: SchedulePlan
    let world: World
    let network: Network
    /// The Redis of the stock, then the lock nodes.
    let nodes: [SimulatedNode]
    let processes: [BuyingProcess]
    let isSearch: Bool
    let strikes: Int
    /// The tasks of all buyers.
    private let tasks = Mutex<[Task<Void, Never>]>([])

    /// A process and its buyers.
    struct BuyingProcess: Sendable {
        let process: SimulatedProcess
        /// The strategy's, to the Redis of the stock and to the lock nodes.
        let ports: [SimulatedRedis]
        let notes: Notes
        let buyer: StrategyBuyer<SimulatedRedis, SimulatedClock>
        let finishing: FinishingQueue
    }

    /// - Parameter isSearch: Whether all orders are gone through: then chance decides nothing.
    init(
        _ plan: SchedulePlan, _ world: World, isSearch: Bool,
        models: (stock: RedisModel, lockNode: RedisModel),
        lua: LuaInterpreter
    ) throws {
        self.plan = plan
        self.world = world
        self.isSearch = isSearch
        strikes = world.number()
        let network = Network(world)
        self.network = network
        let count = plan.strategy.needsLockNodes ? plan.lockNodes : 0
        nodes = (0...count).map { number in
            SimulatedNode(
                world, number: number, lua: lua, model: number == 0 ? models.stock : models.lockNode)
        }
        var processes: [BuyingProcess] = []
        for _ in 0..<plan.processes {
            processes.append(try Self.process(plan, world, network, nodes, isSearch))
        }
        self.processes = processes
        // Scripts are known in most worlds. Where they are not, each call by digest costs another one.
        if !isSearch, world.choose(among: 4) == 3 { nodes[0].forgetScripts() }
    }

    /// In a search each try of a waiting buyer multiplies the orders: two tries within a lease are enough.
    private static var seldom: RetryPolicy { RetryPolicy(delay: .fixed(SchedulePlan.lease * 3 / 4)) }

    private static func process(
        _ plan: SchedulePlan, _ world: World, _ network: Network, _ nodes: [SimulatedNode], _ isSearch: Bool
    ) throws -> BuyingProcess {
        let drift = plan.fault == .clockDrift ? Int64(world.choose(among: 11) - 5) * 1_000 : 0
        let process = world.makeProcess(drift: drift)
        let slowness = Slowness(plan, world)
        let ports = nodes.map {
            SimulatedRedis(
                of: process, to: $0, over: network, limit: SchedulePlan.callLimit, work: slowness.work)
        }
        let notes = Notes(process)
        let finishing = FinishingQueue()
        // Two processes with the same chance would make the same tokens.
        let chance = isSearch ? 1 : world.choose(among: 1 << 24) + 1
        let random = RandomSource.seeded(UInt64(chance * plan.processes + process.number))
        let steps = notes.steps
        let strategy = try StrategyBuilder(
            stock: ports[0],
            lockNodes: zip(ports, nodes).dropFirst().map { LockNode(name: "node \($1.number)", redis: $0) },
            clock: process.clock, random: random,
            settings: StrategySettings(
                leaseTimeToLive: SchedulePlan.lease, retries: isSearch ? [plan.strategy.id: seldom] : [:]),
            finishing: finishing
        ).strategy(plan.strategy) { steps.noting($0, clock: process.clock) }
        let buyer = StrategyBuyer(
            strategy,
            stock: ProductStock(
                SimulatedRedis(beside: ports[0]), layout: plan.strategy.traits.stockLayout),
            clock: process.clock, random: random, patience: SchedulePlan.patience, steps: steps)
        return BuyingProcess(process: process, ports: ports, notes: notes, buyer: buyer, finishing: finishing)
    }

    func chooseVictim() -> SimulatedProcess { processes[world.choose(among: processes.count)].process }

    // A strategy alone has neither server nor ledger: no such fault is explored at this level.
    func killServer() {}
    func setLedger(_ mood: LedgerMood) {}

    func cancelSomebody() {
        let tasks = tasks.withLock { $0 }
        let number = world.choose(among: tasks.count)
        world.tell(.world, "buyer \(number) is cancelled")
        tasks[number].cancel()
    }

    /// Lets all buyers begin.
    func begin() {
        for member in processes {
            let buyers = (0..<plan.buyers).map { number in
                member.process.start { [plan] in
                    for purchase in 0..<plan.purchases where !Task.isCancelled {
                        let id = number * plan.purchases + purchase
                        let purchase = await member.buyer.buy(
                            id, by: member.process.number * plan.buyers + number)
                        member.notes.add(purchase.evidence)
                    }
                }
            }
            tasks.withLock { $0 += buyers }
            _ = member.process.start {
                for buyer in buyers { await buyer.value }
                await member.finishing.finish()
                member.notes.end()
            }
        }
    }
}

/// What a slow process does between its last look at the clock and a write.
final class Slowness: Sendable {
    private let isSlow: Bool
    private let world: World

    init(_ plan: SchedulePlan, _ world: World) {
        isSlow = plan.fault == .slowHolder
        self.world = world
    }

    func work(before script: RedisScript?) -> Duration {
        guard isSlow, script?.takesUnits ?? true, world.choose(among: 4) == 3 else { return .zero }
        return SchedulePlan.lease * 2
    }
}

/// What the buyers of one process did, and what the strategy says it cost.
final class Notes: Sendable {
    private struct State {
        var lines: [WorkerLine] = []
        var said = (commands: 0, attempts: 0)
        var hasEnded = false
        var sleepersAtEnd = 0
    }

    private let process: SimulatedProcess
    private let state = Mutex(State())

    init(_ process: SimulatedProcess) { self.process = process }

    var steps: StepNotes {
        StepNotes(now: { [process] in process.world.now }, note: { [self] in note($0) })
    }

    var lines: [WorkerLine] { state.withLock(\.lines) }
    /// What the strategy says it sent and how often it tried, of all calls that were answered.
    var said: (commands: Int, attempts: Int) { state.withLock(\.said) }
    /// All buyers have come to their end, and so has what they left to be finished.
    var hasEnded: Bool { state.withLock(\.hasEnded) }
    /// Tasks that slept when everybody had ended.
    var sleepersAtEnd: Int { state.withLock(\.sleepersAtEnd) }

    /// The dead say nothing.
    private func note(_ line: WorkerLine) {
        guard !process.isDead else { return }
        state.withLock { $0.lines.append(line) }
        process.world.tell(.process(process.number), Self.text(line))
    }

    func add(_ evidence: Evidence) {
        state.withLock { state in
            state.said.commands += evidence.commandsSent
            state.said.attempts += evidence.attempts
        }
    }

    func end() {
        let sleepers = process.sleepers
        state.withLock { state in
            state.hasEnded = true
            state.sleepersAtEnd = sleepers
        }
    }

    private static func text(_ line: WorkerLine) -> String {
        switch line {
        case .began(let id, let buyer, _): "buyer \(buyer) begins purchase \(id)"
        case .granted(let id, _, _, _, let fence):
            "purchase \(id) is inside" + (fence.map { ", number \($0)" } ?? "")
        case .left(let id, _): "purchase \(id) leaves"
        case .ended(let id, _, let outcome, let remaining):
            "purchase \(id) is told \(outcome.rawValue)" + (remaining.map { ", \($0) left" } ?? "")
        }
    }
}
