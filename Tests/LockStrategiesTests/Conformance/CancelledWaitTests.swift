import FaultInjection
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

/// Clause 19, the hard half: the command was sent and carried out, and the caller is cancelled while the
/// reply is still on its way.
///
/// What the strategies promise, and what is held here to it:
///
/// - While the reply is away, one of three things happens after the cancellation: the call returns without
///   it; or the clean-up reaches the servers, so no lock key is left; or the protected write stands in
///   Redis, and then its lock is kept until its reply has come (`GuardedDecrement`: the lock must not be free
///   while a write may be under way).
/// - When the replies come, the call returns, without waiting for any time limit.
/// - The answer is `.cancelled`, or the truth about work that was done. No lock key remains. After
///   `.cancelled` the decrement may have been applied; returning the reservation brings the stock back either
///   way.
/// - The connections stay in step and in use: the next purchase goes over the very same ones.
@Suite("19 · Cancelled while a reply is awaited")
struct CancelledWaitTests {
    enum Operation: String, Sendable, CaseIterable {
        case reserve
        case giveBack = "give back"
    }

    @Test(
        "19 · cancelled while a sent command waits for its reply: prompt, no key, same connection",
        arguments: StrategyLab.real, Operation.allCases)
    func cancelledAtEachReply(id: StrategyEntry, operation: Operation) async throws {
        try await StrategyLab.run(for: id) { lab in
            let stage = try await HeldStage(id, lab)
            try await stage.warmUp()
            // The lab's own connections, which look, are made before they are counted.
            _ = try await lab.connectionsReceived()
            let connections = try await lab.connectionsReceived()
            var point = 1
            while try await cancelled(operation, at: point, on: stage, lab) { point += 1 }
            #expect(point > 1, "nothing was ever cancelled")
            // A transaction that was left between its two halves gives up the connection that only it used.
            if id != .optimistic {
                #expect(try await lab.connectionsReceived() == connections, "a connection was made anew")
            }
            await stage.stop()
        }
    }

    /// - Returns: false when the operation ended before it sent so many commands.
    private func cancelled(
        _ operation: Operation, at point: Int, on stage: HeldStage, _ lab: StrategyLab
    ) async throws -> Bool {
        let product = HeldStage.product
        let key = ProductKeys(product).lock
        let reservation = lab.reservation(of: product, quantity: 3, within: .seconds(600))
        if operation == .giveBack { _ = try await stage.strategy.reserve(reservation) }
        let before = try await lab.openReservations(product).units
        stage.holdReplies(at: point)
        let isOver = Atomic(false)
        let task = Task { () async -> Result<ReserveOutcome.Decision?, StrategyError> in
            defer { isOver.store(true, ordering: .sequentiallyConsistent) }
            do throws(StrategyError) {
                switch operation {
                case .reserve: return .success(try await stage.strategy.reserve(reservation).decision)
                case .giveBack:
                    let end = ContinuousClock.now + .seconds(600)
                    #expect(try await stage.strategy.cancel(reservation.id, of: product, deadline: end) == 3)
                    return .success(nil)
                }
            } catch {
                return .failure(error)
            }
        }
        // The command was carried out and its reply is away, or the operation sent fewer commands.
        try await waitUntil { stage.isHeld || isOver.load(ordering: .sequentiallyConsistent) }
        let wasHeld = stage.isHeld
        let isWritten = try await lab.isWritten(product, since: before)
        task.cancel()
        if wasHeld, isWritten {
            // A lock that were given back too early would be seen free at one of these looks.
            for _ in 0..<50 { #expect(try await !lab.owners(of: key).isEmpty, "reply \(point)") }
        } else if wasHeld {
            try await waitUntil {
                if isOver.load(ordering: .sequentiallyConsistent) { return true }
                return try await lab.owners(of: key).isEmpty
            }
        }
        stage.letThrough()
        // Returned by the reply: the connections' own limit is twice as long as this one.
        try await waitUntil { isOver.load(ordering: .sequentiallyConsistent) }
        switch (await task.value, operation) {
        case (.success(.reserved?), .reserve), (.success(nil), .giveBack): break
        case (.failure(let error), _): #expect(error.code == .cancelled, "reply \(point): \(error)")
        case (.success(let decision), _): Issue.record("reply \(point): \(String(describing: decision))")
        }
        try await checkNothingIsLeft(of: reservation, at: point, on: stage, lab)
        return wasHeld
    }

    private func checkNothingIsLeft(
        of reservation: Reservation, at point: Int, on stage: HeldStage, _ lab: StrategyLab
    ) async throws {
        let product = reservation.product
        let key = ProductKeys(product).lock
        let owners = try await lab.owners(of: key)
        // Required: with a lock that nobody gives back, all that follows would wait for it.
        try #require(owners == [], "reply \(point)")
        let open = try await lab.openReservations(product).units
        #expect((try await lab.readStock(product) ?? 0) + open == HeldStage.units, "reply \(point)")
        let end = ContinuousClock.now + .seconds(600)
        _ = try await stage.strategy.cancel(reservation.id, of: product, deadline: end)
        #expect(try await lab.readStock(product) == HeldStage.units, "reply \(point)")
        #expect(try await lab.openReservations(product) == (0, 0), "reply \(point)")
        // The next buyer is served over the same connections.
        let next = lab.reservation(of: product, within: .seconds(600))
        let outcome = try await stage.strategy.reserve(next)
        try #require(outcome.isReserved, "reply \(point): \(outcome)")
        #expect(try await lab.readStock(product) == HeldStage.units - 1)
        #expect(try await stage.strategy.cancel(next.id, of: product, deadline: end) == 1)
    }
}

/// A strategy whose every connection goes through a proxy that can hold the replies.
private struct HeldStage {
    static let product = ProductID(1)
    static let units = 1_000

    let strategy: any LockStrategy
    private let watch: SendWatch
    private let clients: [RedisClient]

    init(_ id: StrategyEntry, _ lab: StrategyLab) async throws {
        var proxies: [FaultProxy] = []
        for server in [lab.server] + lab.nodes {
            proxies.append(try await FaultProxy.start(upstreamPort: server.port))
        }
        let watch = SendWatch(proxies)
        clients = proxies.map {
            RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: $0.port)), limits: StrategyLab.patient)
        }
        let ports = zip(proxies, clients).map { proxy, client in
            ControlledPort(base: client, counter: SendCounter { _ in watch.willSend(through: proxy) })
        }
        self.watch = watch
        strategy = try StrategyBuilder(
            stock: ports[0],
            lockNodes: zip(lab.nodes, ports.dropFirst()).map { LockNode(name: $0.url, redis: $1) },
            clock: ContinuousClock(),
            // So long that nothing here is cleaned up by expiry.
            settings: StrategySettings(leaseTimeToLive: .seconds(600)), advisoryLocks: lab.advisoryLocks()
        ).strategy(id)
        try await lab.setStock(Self.units, of: Self.product)
    }

    /// A purchase and its return: every connection is made and every script is known.
    func warmUp() async throws {
        let deadline = ContinuousClock.now + .seconds(600)
        let reservation = Reservation(
            id: ReservationID(random: .system), product: Self.product, quantity: 1, deadline: deadline)
        _ = try await strategy.reserve(reservation)
        _ = try await strategy.cancel(reservation.id, of: Self.product, deadline: deadline)
    }

    func holdReplies(at point: Int) { watch.holdReplies(at: point) }

    var isHeld: Bool { watch.isHeld }

    func letThrough() { watch.letThrough() }

    func stop() async {
        for client in clients { await client.close() }
        for proxy in watch.proxies { await proxy.stop() }
    }
}

/// Counts the sends over all proxies; from the chosen one on, replies are held.
private final class SendWatch: Sendable {
    private struct State {
        var sends = 0
        var point = Int.max
        /// The proxy of the chosen send and the replies that it had seen before.
        var chosen: (proxy: FaultProxy, repliesBefore: Int)?
    }

    let proxies: [FaultProxy]
    private let state = Mutex(State())

    init(_ proxies: [FaultProxy]) {
        self.proxies = proxies
    }

    func holdReplies(at point: Int) {
        state.withLock { $0 = State(point: point) }
    }

    func willSend(through proxy: FaultProxy) {
        let isChosen = state.withLock { state in
            state.sends += 1
            guard state.sends == state.point else { return false }
            state.chosen = (proxy, proxy.repliesSeen)
            return true
        }
        if isChosen { for proxy in proxies { proxy.set(.holdReplies) } }
    }

    /// The server has carried out the chosen command and its reply is held.
    var isHeld: Bool {
        guard let chosen = state.withLock({ $0.chosen }) else { return false }
        return chosen.proxy.repliesSeen > chosen.repliesBefore
    }

    func letThrough() {
        state.withLock { $0 = State() }
        for proxy in proxies { proxy.set(.pass) }
    }
}

extension StrategyLab {
    /// Whether reservations have changed while the lock is held: the protected write was carried out.
    fileprivate func isWritten(_ product: ProductID, since units: Int) async throws -> Bool {
        guard try await openReservations(product).units != units else { return false }
        return try await !owners(of: ProductKeys(product).lock).isEmpty
    }

    /// Connections that any of the servers has accepted since it was started.
    fileprivate func connectionsReceived() async throws -> Int {
        var total = 0
        for client in [stock] + lockServers {
            let info = try await client.send(RedisCommand("INFO", "stats")).string ?? ""
            let line = info.split(whereSeparator: \.isNewline).first {
                $0.hasPrefix("total_connections_received:")
            }
            total += try #require(line.flatMap { Int($0.split(separator: ":")[1]) })
        }
        return total
    }
}
