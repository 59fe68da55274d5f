import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

@Suite("Retry, time, cancellation")
struct RetryTests {
    private static func taken(
        _ id: StrategyEntry, _ clock: SkippingClock, retries: Int?
    ) throws -> (any LeaseLock)? {
        let redis = ScriptedLockNode(.taken).redis
        let settings = StrategySettings(
            retries: [
                id.id: RetryPolicy(delay: id.traits.retry?.delay ?? .fixed(.zero), maximumRetries: retries)
            ])
        return try StrategyBuilder(
            stock: redis, lockNodes: [LockNode(name: "a", redis: redis)], clock: clock, settings: settings
        ).lock(id)
    }

    @Test(
        "18 · attempts = retries + 1, and no sleep after the last",
        arguments: StrategyLab.leases, [0, 1, 5])
    func attempts(id: StrategyEntry, retries: Int) async throws {
        let clock = SkippingClock()
        let lock = try #require(try Self.taken(id, clock, retries: retries))
        let outcome = try await lock.acquire(
            LockKey("a"), timeToLive: .seconds(10), deadline: clock.now + .seconds(3600))
        guard case .contended(let evidence) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(evidence.attempts == retries + 1)
        #expect(clock.sleeps.count == retries)
    }

    @Test("18 · the total wait never passes the deadline", arguments: StrategyLab.leases)
    func totalWait(id: StrategyEntry) async throws {
        let clock = SkippingClock()
        let lock = try #require(try Self.taken(id, clock, retries: nil))
        let began = clock.now
        let outcome = try await lock.acquire(
            LockKey("a"), timeToLive: .seconds(10), deadline: began + .milliseconds(1_234))
        guard case .contended(let evidence) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(clock.sleeps.reduce(.zero, +) == .milliseconds(1_234))
        #expect(evidence.waited == .milliseconds(1_234))
        #expect(evidence.attempts == clock.sleeps.count + 1)
    }

    @Test("18 · a zero deadline tries once and never sleeps", arguments: StrategyLab.leases)
    func zeroDeadline(id: StrategyEntry) async throws {
        let clock = SkippingClock()
        let lock = try #require(try Self.taken(id, clock, retries: nil))
        let outcome = try await lock.acquire(LockKey("a"), timeToLive: .seconds(10), deadline: clock.now)
        guard case .contended(let evidence) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(evidence.attempts == 1)
        #expect(clock.sleeps == [])
    }

    @Test(
        "19 · cancelled before any of its sends: prompt, no key remains, the connection stays usable",
        arguments: StrategyLab.real)
    func cancelledAtEachSend(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let product = ProductID(1)
            try await lab.setStock(1_000, of: product)
            var send = 1
            var reachedTheEnd = false
            while !reachedTheEnd {
                let clock = SkippingClock()
                let running = Mutex<Task<Result<ReserveOutcome, StrategyError>, Never>?>(nil)
                let point = send
                let wasReached = Atomic(false)
                let strategy = try lab.builder(clock: clock) { count in
                    guard count == point else { return }
                    wasReached.store(true, ordering: .sequentiallyConsistent)
                    running.withLock { $0?.cancel() }
                }.strategy(id)
                let reservation = lab.reservation(of: product)
                let result = await Self.runCancellable(strategy, reservation, running)
                reachedTheEnd = !wasReached.load(ordering: .sequentiallyConsistent)
                switch result {
                case .success(let outcome):
                    // Cancelled so late that the work was done: then it says what it did.
                    guard case .reserved = outcome.decision else {
                        Issue.record("send \(point): \(outcome)")
                        break
                    }
                case .failure(let error):
                    #expect(error.code == .cancelled, "send \(point): \(error)")
                }
                #expect(try await lab.owners(of: ProductKeys(product).lock) == [], "send \(point)")
                let open = try await lab.openReservations(product)
                #expect(Int(try await lab.readStock(product) ?? 0) + open.units == 1_000)
                send += 1
            }
            #expect(send > 2, "the run that was never cancelled does not count")
        }
    }

    /// Starts the reservation so that the hook of the ports can cancel it.
    private static func runCancellable(
        _ strategy: some LockStrategy, _ reservation: Reservation,
        _ running: borrowing Mutex<Task<Result<ReserveOutcome, StrategyError>, Never>?>
    ) async -> Result<ReserveOutcome, StrategyError> {
        let gate = AsyncStream<Void>.makeStream()
        let task = Task { () async -> Result<ReserveOutcome, StrategyError> in
            for await _ in gate.stream { break }
            do throws(StrategyError) {
                return .success(try await strategy.reserve(reservation))
            } catch {
                return .failure(error)
            }
        }
        running.withLock { $0 = task }
        gate.continuation.yield()
        return await task.value
    }

    @Test("19 · cancelled while it sleeps between two attempts", arguments: StrategyLab.leases)
    func cancelledWhileSleeping(id: StrategyEntry) async throws {
        let running = Running()
        let clock = SkippingClock { running.task.withLock { $0?.cancel() } }
        let lock = try #require(try Self.taken(id, clock, retries: nil))
        let gate = AsyncStream<Void>.makeStream()
        let task = Task { () async -> StrategyError.Code? in
            for await _ in gate.stream { break }
            do throws(StrategyError) {
                _ = try await lock.acquire(
                    LockKey("a"), timeToLive: .seconds(10), deadline: clock.now + .seconds(3600))
                return nil
            } catch {
                return error.code
            }
        }
        running.task.withLock { $0 = task }
        gate.continuation.yield()
        #expect(await task.value == .cancelled)
    }

    /// The call that is to be cancelled; who sleeps for it may be another task.
    private final class Running: Sendable {
        let task = Mutex<Task<StrategyError.Code?, Never>?>(nil)
    }

    @Test("20 · a release that failed or was cancelled can be tried again", arguments: StrategyLab.leases)
    func releaseAgain(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let key = LockKey("lock:a")
            let lease = try await lock.granted(key)
            let cancelled = await Task { () async -> StrategyError.Code? in
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                do throws(StrategyError) {
                    _ = try await lock.release(lease)
                    return nil
                } catch {
                    return error.code
                }
            }.value
            #expect(cancelled == .cancelled)
            #expect(try await lock.release(lease) == .released)

            let impatient = try #require(
                try lab.builder(limits: .init(connect: .seconds(60), command: .milliseconds(500))).lock(id))
            let again = try await lock.granted(key)
            for server in [lab.server] + lab.nodes { server.pause() }
            await #expect(throws: StrategyError.self) { try await impatient.release(again) }
            for server in [lab.server] + lab.nodes { server.resume() }
            // What the paused servers had received, they carry out when they go on.
            let second = try await lock.release(again)
            #expect(second == .released || second == .absent)
            #expect(try await lab.owners(of: key) == [])
        }
    }

    @Test("21 · backoff grows, is capped, has jitter at the cap too")
    func backoff() {
        let policy = RetryPolicy(
            delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(100)))
        let random = RandomSource.seeded(42)
        var longest = [Duration](repeating: .zero, count: 20)
        var atCap: Set<Duration> = []
        let start = ContinuousClock.now
        for _ in 0..<300 {
            var schedule = RetrySchedule(policy: policy, deadline: start + .seconds(3600))
            for retry in 0..<20 {
                guard case .retry(let pause) = schedule.attemptFailed(now: start, random: random) else {
                    Issue.record("gave up")
                    return
                }
                longest[retry] = max(longest[retry], pause)
                #expect(pause >= .zero && pause <= min(.milliseconds(100), .milliseconds(1) * (1 << retry)))
                if retry > 10 { atCap.insert(pause) }
            }
        }
        for retry in 0..<6 { #expect(longest[retry + 1] > longest[retry]) }
        #expect(longest[19] > .milliseconds(95))
        #expect(atCap.count > 1_000)
    }

    @Test(
        "21 · the state of a backoff belongs to one acquisition, not to the lock (redislock #31)",
        arguments: StrategyLab.backoffs)
    func backoffIsPerAcquisition(id: StrategyEntry) async throws {
        guard case .exponentialFullJitter(let base, _) = id.traits.retry?.delay else {
            Issue.record("\(id) has no backoff")
            return
        }
        let clock = SkippingClock()
        let lock = try #require(try Self.taken(id, clock, retries: nil))
        // One acquisition that went on at the cap would sleep longer than the base with a chance of 95 %.
        for _ in 0..<20 {
            let before = clock.sleeps.count
            _ = try await lock.acquire(
                LockKey("a"), timeToLive: .seconds(10), deadline: clock.now + .seconds(2))
            let sleeps = clock.sleeps.dropFirst(before)
            #expect(try #require(sleeps.first) <= base)
            // It has grown in between, so there was a state to carry over.
            #expect(try #require(sleeps.max()) > base)
        }
    }
}
