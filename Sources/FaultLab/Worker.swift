import FaultAudit
import Foundation
import LockStrategies
import RedisClient
import Synchronization

/// What one worker process does: its buyers take units through the strategy itself, without HTTP and ledger.
package struct WorkerPlan: Sendable, Codable, Equatable {
    package var strategy: String
    package var stock: String
    package var lockNodes: [String]
    package var buyers: Int
    package var milliseconds: Int
    package var leaseMilliseconds: Int
    package var patienceMilliseconds: Int
    /// So long a write under the lock takes after the last look at the clock; 0: as long as it takes.
    package var slowMilliseconds: Int
    /// One in so many writes is slow.
    package var slowOneIn: Int
    /// The file to which each step is written.
    package var output: String

    package init(
        output: String, strategy: String, stock: String, lockNodes: [String] = [], buyers: Int,
        milliseconds: Int,
        leaseMilliseconds: Int, patienceMilliseconds: Int, slowMilliseconds: Int = 0, slowOneIn: Int = 20
    ) {
        self.output = output
        self.strategy = strategy
        self.stock = stock
        self.lockNodes = lockNodes
        self.buyers = buyers
        self.milliseconds = milliseconds
        self.leaseMilliseconds = leaseMilliseconds
        self.patienceMilliseconds = patienceMilliseconds
        self.slowMilliseconds = slowMilliseconds
        self.slowOneIn = slowOneIn
    }
}

/// A worker process of the fault lab.
package struct Worker: Sendable {
    /// The one product that all buy.
    static let product = ProductID(1)

    @TaskLocal private static var call: Int?

    private let plan: WorkerPlan
    private let strategy: any LockStrategy
    private let stock: ProductStock<SlowRedis>
    private let clients: [RedisClient]
    private let finishing = FinishingQueue()
    private let steps: StepFile

    /// - Throws: A sentence that says what is wrong with the plan.
    package init(_ plan: WorkerPlan) throws {
        self.plan = plan
        let steps = try StepFile(plan.output)
        self.steps = steps
        guard let entry = StrategyRegistry.builtIn.entry(named: plan.strategy) else {
            throw StrategyConfigurationError(StrategyRegistry.builtIn.complaint(about: plan.strategy))
        }
        let endpoints = try ([plan.stock] + plan.lockNodes).map { try RedisEndpoint(parsing: $0) }
        let limits = RedisClient.Limits(connect: .milliseconds(500), command: .milliseconds(1_500))
        clients = endpoints.map { RedisClient($0, limits: limits) }
        let ports = clients.map {
            SlowRedis(redis: $0, delay: .milliseconds(plan.slowMilliseconds), oneIn: plan.slowOneIn)
        }
        stock = ProductStock(ports[0], layout: entry.traits.stockLayout)
        let settings = StrategySettings(leaseTimeToLive: .milliseconds(plan.leaseMilliseconds))
        let nodes = zip(ports, endpoints).dropFirst().map { LockNode(name: $1.server, redis: $0) }
        strategy = try StrategyBuilder(
            stock: ports[0], lockNodes: Array(nodes), clock: ContinuousClock(), settings: settings,
            finishing: finishing
        ).strategy(entry) { NotedLock(lock: $0, steps: steps) }
    }

    /// Buys until the time of the plan is over, and writes each step down.
    package func run() async {
        let end = ContinuousClock.now + .milliseconds(plan.milliseconds)
        let numbers = CallNumbers()
        await withTaskGroup(of: Void.self) { group in
            for buyer in 0..<plan.buyers {
                group.addTask {
                    while ContinuousClock.now < end {
                        let id = numbers.next()
                        await Self.$call.withValue(id) { await buy(id, by: buyer) }
                    }
                }
            }
        }
        await finishing.finish()
        for client in clients { await client.close() }
    }

    private func buy(_ id: Int, by buyer: Int) async {
        steps.add(.began(id: id, buyer: buyer, at: Self.now))
        let reservation = Reservation(
            id: ReservationID(random: .system), product: Self.product, quantity: 1,
            deadline: .now + .milliseconds(plan.patienceMilliseconds))
        let outcome: History.Operation.Outcome
        do throws(StrategyError) {
            switch try await strategy.reserve(reservation).decision {
            case .reserved:
                // The buyer has it: a record that stays is no second unit.
                try? await stock.clear(reservation.id, of: Self.product)
                outcome = .ok
            case .soldOut: outcome = .refused
            case .contended, .leftToLedger: outcome = .nothing
            }
        } catch {
            outcome = Self.mayHaveTaken(error.code) ? .unknown : .nothing
        }
        steps.add(.ended(id: id, at: Self.now, outcome: outcome))
        // Who was refused does not ask again at once.
        if outcome != .ok { try? await Task.sleep(for: .milliseconds(2)) }
    }

    private static func mayHaveTaken(_ code: StrategyError.Code) -> Bool {
        switch code {
        case .outcomeUnknown, .cancelled: true
        case .unavailable, .timedOut, .refused, .notStocked, .invalidStock, .invalidRequest, .leaseLost,
            .reservationEnded, .stockReplaced:
            false
        }
    }

    /// Of the machine's monotonic clock.
    static var now: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// A lock that says who is inside.
    private struct NotedLock: LeaseLock {
        let lock: any LeaseLock
        let steps: StepFile

        func releaseCommands(for lease: Lease) -> Int { lock.releaseCommands(for: lease) }

        func acquire(
            _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
        ) async throws(StrategyError) -> AcquireOutcome {
            let outcome = try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline)
            if case .granted(let lease, _) = outcome, let call = Worker.call {
                let now = Worker.now
                let left = ContinuousClock.now.duration(to: lease.validUntil) / .nanoseconds(1)
                steps.add(.granted(id: call, at: now, end: now + Int64(left), fence: lease.fence?.rawValue))
            }
            return outcome
        }

        func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
            try await lock.extend(lease, timeToLive: timeToLive)
        }

        func release(_ lease: Lease) async throws(StrategyError) -> ReleaseOutcome {
            if let call = Worker.call { steps.add(.left(id: call, at: Worker.now)) }
            return try await lock.release(lease)
        }
    }
}

/// Each call of a worker has a number.
private final class CallNumbers: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
}

/// Where a worker writes its steps: each line with one system call, so what was begun is known when the
/// worker is killed.
private final class StepFile: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    deinit { close(descriptor) }

    func add(_ line: WorkerLine) {
        let bytes = Array((line.text + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
}

/// A Redis on which a write under the lock is slow now and then: work inside the lock that takes longer than
/// its lease, after the last look at the clock.
struct SlowRedis: RedisPort {
    let redis: RedisClient
    let delay: Duration
    let oneIn: Int

    func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue { try await redis.send(command) }

    func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        if delay > .zero, script.name.hasPrefix("write-stock"), Int.random(in: 0..<oneIn) == 0 {
            try? await Task.sleep(for: delay)
        }
        return try await redis.run(script, keys: keys, arguments: arguments)
    }

    func transaction<Abandoned: Sendable>(
        watching keys: [String], reading: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        try await redis.transaction(watching: keys, reading: reading, decide: decide)
    }

    func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        try await redis.subscribe(to: channel, onEvent: onEvent)
    }

    func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await redis.finishing(calls)
    }
}
