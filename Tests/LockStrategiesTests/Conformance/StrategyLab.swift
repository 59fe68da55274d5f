import LabProcesses
import LabTesting
import LockStrategies
import LocksPostgres
import PostgresClient
import RedisClient
import Synchronization

/// Real servers and the builder over them: one Redis for stock, five nodes where redlock runs.
struct StrategyLab: Sendable {
    let server: RedisServerProcess
    let nodes: [RedisServerProcess]
    /// A connection beside those of the strategies, to look and to meddle.
    let stock: RedisClient
    let lockServers: [RedisClient]
    /// Where locks are that live in PostgreSQL; nil for strategies that need none.
    let database: PostgresEndpoint?
    private let databaseURL: String?
    private let layout: StockLayout
    private let sessions = Sessions()

    /// Far above what any machine needs: a limit that passes here is a hang, not a slow machine.
    static let patient = RedisClient.Limits.patient

    /// All that keep their stock in Redis and are meant to be right; those that leave it to the ledger are
    /// held to the same clauses with the ledger (InventoryServiceTests).
    static let real = inRedis.filter { !$0.isNegativeControl }
    /// Without a PostgreSQL on this machine those that need one are missing; `AdvisoryLockTests` are skipped
    /// then, and say so.
    static let inRedis = StrategyRegistry.builtIn.entries.filter {
        $0.traits.stockLayout != .ledger && (!$0.needsPostgres || PostgresDatabases.canBeMade)
    }
    static let leases = real.filter { $0.traits.abilities.contains(.leases) }
    /// Those whose lock carries the section's commands.
    static let carrying = leases.filter { carries($0) }
    static let lockFree = real.filter { !$0.traits.takesLock }
    static let fenced = real.filter { $0.traits.abilities.contains(.fencing) }
    static let notified = real.filter { $0.traits.abilities.contains(.notifiedWaiting) }
    static let backoffs = leases.filter {
        if case .exponentialFullJitter = $0.traits.retry?.delay { true } else { false }
    }

    static func carries(_ id: StrategyEntry) -> Bool {
        let redis = ScriptedRedis { _ throws(RedisError) in .null }
        let nodes = [LockNode(name: "node", redis: redis)]
        let builder = StrategyBuilder(
            stock: redis, lockNodes: nodes, clock: ContinuousClock(), advisoryLocks: ScriptedAdvisoryLocks())
        return (try? builder.lock(id)) is any CarryingLock
    }

    /// Starts what `id` needs, runs `body`, and stops it.
    static func run<Value>(
        for id: StrategyEntry, _ body: (StrategyLab) async throws -> Value
    ) async throws -> Value {
        let server = try await RedisServerProcess.start()
        let nodes = try await withThrowingTaskGroup(of: RedisServerProcess.self) { group in
            for _ in 0..<(id.needsLockNodes ? 5 : 0) {
                group.addTask { try await RedisServerProcess.start() }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let database = id.needsPostgres ? try await PostgresDatabases.make() : nil
        var databaseURL: String?
        if let database { databaseURL = try await PostgresDatabases.url(of: database) }
        let lab = StrategyLab(
            server: server, nodes: nodes, stock: RedisClient(server.endpoint, limits: patient),
            lockServers: (nodes.isEmpty ? [server] : nodes).map { RedisClient($0.endpoint, limits: patient) },
            database: database, databaseURL: databaseURL, layout: id.traits.stockLayout)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(lab))
        } catch {
            result = .failure(error)
        }
        for client in [lab.stock] + lab.lockServers { await client.close() }
        lab.sessions.close()
        for process in [server] + nodes { await process.stop() }
        return try result.get()
    }

    /// The strategies on connections of their own, with their production clock.
    func builder(
        limits: RedisClient.Limits = patient
    ) -> StrategyBuilder<RedisClient, ContinuousClock> {
        StrategyBuilder(
            stock: RedisClient(server.endpoint, limits: limits),
            lockNodes: nodes.map { LockNode(name: $0.url, redis: RedisClient($0.endpoint, limits: limits)) },
            clock: ContinuousClock(), advisoryLocks: advisoryLocks())
    }

    /// The strategies on real servers behind ports that a test controls.
    func builder(
        clock: SkippingClock, onSend: @escaping @Sendable (Int) async -> Void = { _ in },
        onUnsent: @escaping @Sendable () -> Void = {}
    ) -> StrategyBuilder<ControlledPort, SkippingClock> {
        let limits = Self.patient
        let counter = SendCounter(onSend: onSend, onUnsent: onUnsent)
        return StrategyBuilder(
            stock: ControlledPort(base: RedisClient(server.endpoint, limits: limits), counter: counter),
            lockNodes: nodes.map {
                LockNode(
                    name: $0.url,
                    redis: ControlledPort(base: RedisClient($0.endpoint, limits: limits), counter: counter))
            },
            clock: clock, advisoryLocks: advisoryLocks())
    }

    /// Sessions of their own, as another process has them; nil where the strategy needs none.
    func advisoryLocks() -> PostgresAdvisoryLocks? { database.map { sessions.open($0) } }

    /// Where stock and locks live, as the worker process takes it.
    var urls: String {
        ([server.url] + nodes.map(\.url) + (databaseURL.map { [$0] } ?? [])).joined(separator: ",")
    }

    private final class Sessions: Sendable {
        private let opened = Mutex<[PostgresAdvisoryLocks]>([])

        func open(_ database: PostgresEndpoint) -> PostgresAdvisoryLocks {
            let settings = PostgresAdvisoryLocks.Settings(connect: .seconds(60), answer: .seconds(60))
            let locks = PostgresAdvisoryLocks(database, settings)
            opened.withLock { $0.append(locks) }
            return locks
        }

        func close() {
            for locks in opened.withLock({ $0 }) { locks.close() }
        }
    }

    /// The product's stock, in the layout of the strategy.
    var pool: ProductStock<RedisClient> { ProductStock(stock, layout: layout) }

    func setStock(_ units: Int, of product: ProductID) async throws {
        _ = try await pool.drop(product, origin: "")
        guard try await pool.initialise(product, units: units) else { throw StockNotSet() }
    }

    func readStock(_ product: ProductID) async throws -> Int? {
        try await pool.read(product)
    }

    /// Units in open reservations of a product, and how many there are.
    func openReservations(_ product: ProductID) async throws -> (units: Int, count: Int) {
        let open = try await pool.openReservations(of: product)
        return (open.values.reduce(0, +), open.count)
    }

    /// What each lock server holds under a lock's name. For a lock in PostgreSQL: the sessions that hold it,
    /// or that wait for it.
    func owners(of key: LockKey) async throws -> [String] {
        if let database { return try await PostgresDatabases.sessions(holding: key, in: database) }
        var owners: [String] = []
        for client in lockServers {
            if let owner = try await client.send(RedisCommand("GET", key.description)).string {
                owners.append(owner)
            }
        }
        return owners
    }

    func reservation(
        of product: ProductID, quantity: Int = 1, within limit: Duration = .seconds(60)
    ) -> Reservation {
        Reservation(
            id: ReservationID(random: .system), product: product, quantity: quantity,
            deadline: ContinuousClock.now + limit)
    }
}

/// Numbers the sends of all ports of one builder and tells the test before each.
actor SendCounter {
    private var sends = 0
    private let onUnsent: @Sendable () -> Void
    private let onSend: @Sendable (Int) async -> Void

    init(
        onSend: @escaping @Sendable (Int) async -> Void, onUnsent: @escaping @Sendable () -> Void = {}
    ) {
        self.onUnsent = onUnsent
        self.onSend = onSend
    }

    /// Lets a call go, and tells the test when it turns out that it sent nothing.
    nonisolated func watch<Value: Sendable>(
        _ call: () async throws(RedisError) -> Value
    ) async throws(RedisError) -> Value {
        await next()
        do throws(RedisError) {
            return try await call()
        } catch {
            if error.commandsSent == 0 { onUnsent() }
            throw error
        }
    }

    func next() async {
        sends += 1
        await onSend(sends)
    }
}

/// A real Redis behind a gate that the test sees every send at.
struct ControlledPort: RedisPort {
    let base: RedisClient
    let counter: SendCounter

    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        try await counter.watch { () throws(RedisError) in try await base.send(command) }
    }

    func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        try await counter.watch { () throws(RedisError) in
            try await base.run(script, keys: keys, arguments: arguments)
        }
    }

    func transaction<Abandoned: Sendable>(
        watching keys: [String], reading: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        await counter.next()
        return try await base.transaction(watching: keys, reading: reading, decide: decide)
    }

    func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        await counter.next()
        return try await base.subscribe(to: channel, onEvent: onEvent)
    }

    func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await base.finishing(calls)
    }
}

extension LeaseLock {
    /// The lease, or a failed test.
    func granted(
        _ key: LockKey, timeToLive: Duration = .seconds(10), within limit: Duration = .seconds(60)
    ) async throws -> Lease {
        switch try await acquire(key, timeToLive: timeToLive, deadline: ContinuousClock.now + limit) {
        case .granted(let lease, _): return lease
        case .contended(let evidence): throw NotGranted(evidence: evidence)
        }
    }
}

struct StockNotSet: Error {}

struct NotGranted: Error {
    let evidence: Evidence
}

extension ReserveOutcome {
    var isReserved: Bool {
        if case .reserved = decision { true } else { false }
    }
}
