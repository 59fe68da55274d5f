import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

/// Clause 42, judged by ports that count for themselves.
@Suite("Evidence and fairness")
struct EvidenceTests {
    private static let pause = Duration.milliseconds(10)

    /// A strategy each of whose commands takes 10 ms of its clock, and the commands that it really sent.
    private final class Count: Sendable {
        private let sends = Mutex(0)
        private let unsent = Mutex(0)
        private let sendToActAt = Mutex<(Int, @Sendable () async -> Void)?>(nil)
        private let hasActed = Gate()
        let clock = SkippingClock()

        func willSend() async {
            clock.advance(by: EvidenceTests.pause)
            let count = sends.withLock { sends in
                sends += 1
                return sends
            }
            guard let (point, action) = sendToActAt.withLock({ $0 }), count >= point else { return }
            // Sends at the same time wait until it is done.
            guard count == point else { return await hasActed.pass() }
            await action()
            hasActed.open()
        }

        /// A call came to its port and was cancelled before it was sent.
        func wasNotSent() { unsent.withLock { $0 += 1 } }

        func reset() {
            sends.withLock { $0 = 0 }
            unsent.withLock { $0 = 0 }
        }

        func act(at send: Int, _ action: @escaping @Sendable () async -> Void) {
            sendToActAt.withLock { $0 = (send, action) }
        }

        /// Calls, sent or not.
        var calls: Int { sends.withLock { $0 } }
        var value: Int { calls - unsent.withLock { $0 } }
    }

    private static func result(
        _ strategy: some LockStrategy, _ reservation: Reservation
    ) async -> (decision: ReserveOutcome.Decision?, code: StrategyError.Code?, evidence: Evidence) {
        do throws(StrategyError) {
            let outcome = try await strategy.reserve(reservation)
            return (outcome.decision, nil, outcome.evidence)
        } catch {
            return (nil, error.code, error.evidence)
        }
    }

    @Test(
        "42 · commands, attempts, waits and holds are recorded on success, refusal and failure",
        arguments: StrategyLab.real)
    func recorded(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let count = Count()
            let strategy = try lab.builder(
                clock: count.clock, onSend: { _ in await count.willSend() }, onUnsent: { count.wasNotSent() }
            ).strategy(id)
            let product = ProductID(1)
            try await lab.setStock(1_000, of: product)
            // Every script is known from now on, so a run is one command.
            for _ in 0..<40 { _ = try await strategy.reserve(lab.reservation(of: product)) }
            _ = try await strategy.reserve(lab.reservation(of: product, quantity: 5_000))
            try await lab.setStock(1_000, of: product)

            let isLock = id.traits.takesLock
            let isCarried = StrategyLab.carries(id)
            /// The read and the write, where the grant does not carry the one and the release the other; no
            /// release is part of a hold, or two holds could overlap.
            func isHeld(_ evidence: Evidence, commands: Int) -> Bool {
                isLock
                    ? evidence.held == (isCarried ? .zero : Self.pause * commands)
                    : evidence.held >= Self.pause
            }

            count.reset()
            let sold = await Self.result(strategy, lab.reservation(of: product))
            #expect(sold.evidence.commandsSent == count.value + Self.unseen(id, .committed))
            #expect(sold.evidence.attempts == 1 && isHeld(sold.evidence, commands: 2))
            #expect(sold.evidence.lostLeases == 0 && sold.evidence.failedReleases == 0)

            count.reset()
            let refused = await Self.result(strategy, lab.reservation(of: product, quantity: 5_000))
            guard case .soldOut? = refused.decision else {
                Issue.record("\(refused)")
                return
            }
            #expect(refused.evidence.commandsSent == count.value + Self.unseen(id, .abandoned))
            #expect(isHeld(refused.evidence, commands: 1))

            count.reset()
            let failed = await Self.result(strategy, lab.reservation(of: ProductID(2)))
            #expect(failed.code == .notStocked)
            #expect(failed.evidence.commandsSent == count.value + Self.unseen(id, .abandoned))
            #expect(failed.evidence.attempts == 1 && isHeld(failed.evidence, commands: 1))
        }
    }

    private enum Half {
        case abandoned
        case committed
    }

    /// A transaction is one call of the port: what it sends beyond the first command.
    private static func unseen(_ id: StrategyEntry, _ half: Half) -> Int {
        guard id == .optimistic else { return 0 }
        switch half {
        case .abandoned: return 3  // GET, HGET, UNWATCH after WATCH
        case .committed: return 6  // GET, HGET, MULTI, DECRBY, HSET, EXEC after WATCH
        }
    }

    @Test(
        "42 · a wait for the lock is recorded with its attempts and commands",
        arguments: StrategyLab.leases)
    func waited(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let count = Count()
            let builder = lab.builder(
                clock: count.clock, onSend: { _ in await count.willSend() }, onUnsent: { count.wasNotSent() })
            let lock = try #require(try builder.lock(id))
            // Of another process, or so it seems: waiters of the holder's own process need not ask.
            let other = try #require(try lab.builder().lock(id))
            let lease = try await other.granted(LockKey("lock:a"), timeToLive: .seconds(600))
            // The scripts of a try that fails are known from now on.
            _ = try await lock.acquire(
                LockKey("lock:a"), timeToLive: .seconds(600), deadline: count.clock.now)
            count.reset()
            let began = count.clock.now
            let outcome = try await lock.acquire(
                LockKey("lock:a"), timeToLive: .seconds(600), deadline: began + .seconds(1))
            guard case .contended(let evidence) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(evidence.commandsSent == count.value)
            #expect(evidence.attempts > 1)
            #expect(evidence.waited == began.duration(to: count.clock.now))
            #expect(try await other.release(lease) == .released)
        }
    }

    @Test("42 · a cancelled purchase says what it had cost", arguments: StrategyLab.real)
    func cancelled(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let count = Count()
            let strategy = try lab.builder(
                clock: count.clock, onSend: { _ in await count.willSend() }, onUnsent: { count.wasNotSent() }
            ).strategy(id)
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            _ = try await strategy.reserve(lab.reservation(of: product))
            count.reset()
            let reservation = lab.reservation(of: product)
            let result = await Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                return await Self.result(strategy, reservation)
            }.value
            #expect(result.code == .cancelled)
            #expect(result.evidence.commandsSent == count.value)
            #expect(result.evidence.attempts == 1)
        }
    }

    @Test("42 · a lease that was lost before its release is recorded", arguments: StrategyLab.leases)
    func lost(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let count = Count()
            let strategy = try lab.builder(
                clock: count.clock, onSend: { _ in await count.willSend() }, onUnsent: { count.wasNotSent() }
            ).strategy(id)
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let first = await Self.result(strategy, lab.reservation(of: product))
            #expect(first.evidence.lostLeases == 0)
            count.reset()
            _ = await Self.result(strategy, lab.reservation(of: product))
            let sends = count.calls
            // The same again, and at the last command, of the release, the keys are gone from every server.
            count.reset()
            count.act(at: sends - lab.lockServers.count + 1) {
                let key = ProductKeys(product).lock.description
                for server in lab.lockServers { _ = try? await server.send(RedisCommand("DEL", key)) }
            }
            let result = await Self.result(strategy, lab.reservation(of: product))
            #expect(result.evidence.lostLeases == 1)
        }
    }

    @Test("23, 42 · a release that fails is recorded, and the work's own outcome is what the caller sees")
    func releaseFails() async throws {
        let stock = Mutex<RESPValue>(.null)
        let redis = ScriptedRedis { call throws(RedisError) in
            call.name == "read-stock"
                ? .array([stock.withLock { $0 }, .null, .simpleString("")])
                : .array([.integer(1), .integer(4)])
        }
        let strategy = GuardedDecrement(
            lock: UnreleasableLock(), redis: redis, clock: ContinuousClock(), timeToLive: .seconds(600))
        let reservation = Reservation(
            id: ReservationID(random: .system), product: ProductID(1), quantity: 1,
            deadline: .now + .seconds(600))
        let failed = await Self.result(strategy, reservation)
        #expect(failed.code == .notStocked)
        #expect(failed.evidence.failedReleases == 1)
        stock.withLock { $0 = .bulkString(Array("5".utf8)) }
        let sold = await Self.result(strategy, reservation)
        #expect(sold.decision == .reserved(remaining: 4, fence: nil))
        #expect(sold.evidence.failedReleases == 1)
    }

    @Test(
        "36 · successes of each buyer are counted: the least, the most and Jain's index",
        arguments: StrategyLab.real)
    func fairness(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(80, of: product)
            let strategy = try lab.builder().strategy(id)
            let successes = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        var bought = 0
                        while true {
                            let reservation = lab.reservation(of: product, within: .seconds(600))
                            guard case .reserved = try await strategy.reserve(reservation).decision else {
                                return bought
                            }
                            bought += 1
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let fairness = try #require(Fairness(successes: successes))
            #expect(successes.reduce(0, +) == 80)
            #expect(fairness.least <= 10 && fairness.most >= 10)
            #expect(fairness.jainIndex >= 1.0 / 8 && fairness.jainIndex <= 1)
            print("fairness of \(id): \(fairness.least) to \(fairness.most), Jain \(fairness.jainIndex)")
        }
    }

    @Test(
        "36 · Jain's index by known numbers",
        arguments: [
            ([5, 5, 5, 5], 1.0), ([20, 0, 0, 0], 0.25), ([1, 2, 3], 36.0 / 42), ([0, 0], 1), ([7], 1),
        ] as [([Int], Double)])
    func index(successes: [Int], expected: Double) throws {
        let fairness = try #require(Fairness(successes: successes))
        #expect(abs(fairness.jainIndex - expected) < 1e-12)
        #expect(fairness.least == successes.min() && fairness.most == successes.max())
        #expect(Fairness(successes: []) == nil)
    }
}

extension ReserveOutcome.Decision {
    fileprivate var fence: Fence? {
        if case .reserved(_, let fence) = self { fence } else { nil }
    }
}

/// Grants, and cannot give back.
private struct UnreleasableLock: LeaseLock {
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let lease = Lease(
            key: key, token: LeaseToken(random: .system), fence: nil, validUntil: .now + timeToLive)
        return .granted(lease, evidence: Evidence(attempts: 1))
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        .absent
    }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        throw StrategyError(.unavailable, "the server is gone")
    }
}
