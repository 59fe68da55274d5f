import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// Each wait here is on a retry policy whose pauses are longer than the test: a wake-up that is lost hangs
/// it.
@Suite("Waiting and fairness", .timeLimit(.minutes(10)))
struct WaitingTests {
    private static let never = RetryPolicy(delay: .fixed(.seconds(3600)))

    /// A lock that has nothing but messages to wake it, as another process would have it.
    private static func lock<Port: RedisPort>(
        _ id: StrategyEntry, on port: Port, retry: RetryPolicy = never
    ) throws -> any LeaseLock {
        try #require(
            try StrategyBuilder(
                stock: port, lockNodes: [], clock: ContinuousClock(),
                settings: StrategySettings(retries: [id.id: retry])
            ).lock(id))
    }

    private static func client(_ lab: StrategyLab) -> RedisClient {
        RedisClient(lab.server.endpoint, limits: StrategyLab.patient)
    }

    private static let long = Duration.seconds(3600)

    @Test(
        "34 · no wake-up is lost in 10,000 hand-overs between four processes and within them",
        arguments: StrategyLab.notified)
    func handOvers(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let locks = try (0..<4).map { _ in try Self.lock(id, on: Self.client(lab)) }
            let inside = Recorder<Int>()
            let holds = try await withThrowingTaskGroup(of: Int.self) { group in
                for task in 0..<20 {
                    group.addTask {
                        for _ in 0..<500 {
                            let lease = try await locks[task % 4].granted(
                                key, timeToLive: Self.long, within: Self.long)
                            inside.note(task)
                            inside.note(task)
                            _ = try await locks[task % 4].release(lease)
                        }
                        return 500
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(holds == 10_000)
            // Both notes of a hold stand together: nobody came between.
            let notes = inside.values
            #expect(stride(from: 0, to: notes.count, by: 2).allSatisfy { notes[$0] == notes[$0 + 1] })
            try await expectSilence(lab)
        }
    }

    @Test(
        "34 · a release between the failed try and the subscription wakes the waiter",
        arguments: StrategyLab.notified)
    func releasedBeforeTheSubscription(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let other = try Self.lock(id, on: Self.client(lab))
            let lease = try await other.granted(key, timeToLive: Self.long)
            let port = HookedPort(Self.client(lab)) { name in
                if name == "SUBSCRIBE" { _ = try? await other.release(lease) }
            }
            // One try, and that with the look after the subscription: without it there is no second chance.
            let waiter = try Self.lock(
                id, on: port, retry: RetryPolicy(delay: .fixed(Self.long), maximumRetries: 0))
            let second = try await waiter.granted(key, timeToLive: Self.long, within: Self.long)
            #expect(second.token != lease.token)
            _ = try await waiter.release(second)
            try await expectSilence(lab)
        }
    }

    @Test(
        "34 · a killed notification connection only costs a pause: the waiter polls, and is told again later",
        arguments: StrategyLab.notified)
    func killedSubscription(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let other = try Self.lock(id, on: Self.client(lab))
            let waiter = try Self.lock(
                id, on: Self.client(lab), retry: RetryPolicy(delay: .fixed(.milliseconds(20))))
            for _ in 0..<20 {
                let lease = try await other.granted(key, timeToLive: Self.long, within: Self.long)
                let waiting = Task { try await waiter.granted(key, timeToLive: Self.long, within: Self.long) }
                try await waitUntil { try await subscribers(of: key, lab) == 1 }
                // The message of the release finds nobody.
                _ = try await lab.stock.send(RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"))
                _ = try await other.release(lease)
                _ = try await waiter.release(waiting.value)
            }
            try await expectSilence(lab)
        }
    }

    @Test(
        "34 · where subscribing is refused the pauses of the policy bound the wait",
        arguments: StrategyLab.notified)
    func noSubscription(id: StrategyEntry) async throws {
        let clock = SkippingClock()
        let port = ScriptedRedis(
            subscribe: { _ throws(RedisError) in throw RedisError(.unavailable, "no more connections") },
            answer: { call throws(RedisError) in .integer(call.isAcquire ? 0 : 1) })
        let lock = try #require(
            try StrategyBuilder(stock: port, lockNodes: [], clock: clock).lock(id))
        let outcome = try await lock.acquire(
            LockKey("a"), timeToLive: .seconds(10), deadline: clock.now + .seconds(3))
        guard case .contended(let evidence) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(evidence.waited == .seconds(3))
        #expect(evidence.attempts == 7)
    }

    @Test(
        "34 · a holder that dies says nothing: the waiter asks again when the rest of the lease is over",
        arguments: StrategyLab.notified)
    func deadHolder(id: StrategyEntry) async throws {
        let clock = SkippingClock()
        let left = Mutex<Int64>(750)
        let port = ScriptedRedis { call throws(RedisError) in
            guard call.isAcquire else { return .integer(1) }
            return left.withLock { left in
                defer { left = 0 }
                return .integer(left > 0 ? -left : 1)
            }
        }
        let lock = try #require(
            try StrategyBuilder(
                stock: port, lockNodes: [], clock: clock,
                settings: StrategySettings(retries: [id.id: Self.never])
            ).lock(id))
        // The second try, when the subscription stands, is the one that finds it free.
        _ = try await lock.granted(LockKey("a"), within: .seconds(600))
        #expect(clock.sleeps.reduce(.zero, +) <= .milliseconds(750))
    }

    @Test(
        "35 · one waiter that leaves does not disturb the others, wherever it stands",
        arguments: StrategyLab.notified, [0, 3, 7])
    func leaving(id: StrategyEntry, leaver: Int) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let other = try Self.lock(id, on: Self.client(lab))
            let lease = try await other.granted(key, timeToLive: Self.long)
            let lock = NotifyLock(
                redis: Self.client(lab), clock: ContinuousClock(), random: .system, retry: Self.never,
                validity: LeaseValidity())
            let order = Recorder<Int>()
            var tasks: [Task<Void, any Error>] = []
            for index in 0..<8 {
                tasks.append(
                    Task {
                        let lease = try await lock.granted(key, timeToLive: Self.long, within: Self.long)
                        order.note(index)
                        _ = try await lock.release(lease)
                    })
                try await waitUntil { lock.waitingCount(of: key) == index + 1 }
            }
            try await waitUntil { try await subscribers(of: key, lab) == 1 }
            tasks[leaver].cancel()
            await #expect(throws: StrategyError.self) { try await tasks[leaver].value }
            try await waitUntil { lock.waitingCount(of: key) == 7 }
            _ = try await other.release(lease)
            for (index, task) in tasks.enumerated() where index != leaver { try await task.value }
            #expect(order.values == (0..<8).filter { $0 != leaver })
            try await expectSilence(lab)
        }
    }

    @Test(
        "35 · cancelled while it subscribes: no waiter and no subscription remains",
        arguments: StrategyLab.notified)
    func cancelledSubscribing(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let other = try Self.lock(id, on: Self.client(lab))
            let lease = try await other.granted(key, timeToLive: Self.long)
            let gate = Gate()
            let waiter = try Self.lock(
                id,
                on: HookedPort(Self.client(lab)) { name in
                    if name == "SUBSCRIBE" { await gate.pass() }
                })
            let waiting = Task { try await waiter.granted(key, timeToLive: Self.long, within: Self.long) }
            await gate.reached()
            waiting.cancel()
            gate.open()
            await #expect(throws: StrategyError.self) { try await waiting.value }
            try await expectSilence(lab)
            _ = try await other.release(lease)
            let next = try await waiter.granted(key)
            _ = try await waiter.release(next)
        }
    }

    @Test("36 · waiters of one process are served in order of arrival", arguments: StrategyLab.notified)
    func arrivalOrder(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let lock = NotifyLock(
                redis: Self.client(lab), clock: ContinuousClock(), random: .system, retry: Self.never,
                validity: LeaseValidity())
            let first = try await lock.granted(key, timeToLive: Self.long)
            let order = Recorder<Int>()
            var tasks: [Task<Void, any Error>] = []
            for index in 0..<100 {
                tasks.append(
                    Task {
                        let lease = try await lock.granted(key, timeToLive: Self.long, within: Self.long)
                        order.note(index)
                        _ = try await lock.release(lease)
                    })
                try await waitUntil { lock.waitingCount(of: key) == index + 1 }
            }
            _ = try await lock.release(first)
            for task in tasks { try await task.value }
            #expect(order.values == Array(0..<100))
            try await expectSilence(lab)
        }
    }
}

private func subscribers(of key: LockKey, _ lab: StrategyLab) async throws -> Int64? {
    let reply = try await lab.stock.send(RedisCommand("PUBSUB", "NUMSUB", "\(key):released"))
    return reply.array?.last?.integer
}

/// Nobody listens any more, as soon as Redis has read the word of the last one, and no lock is held.
private func expectSilence(_ lab: StrategyLab) async throws {
    var channels: [RESPValue]? = nil
    let end = ContinuousClock.now + .seconds(5)
    while channels != [], ContinuousClock.now < end {
        if channels != nil { try await Task.sleep(for: .milliseconds(10)) }
        channels = try await lab.stock.send(RedisCommand("PUBSUB", "CHANNELS")).array
    }
    #expect(channels == [])
    #expect(try await lab.stock.send(RedisCommand("KEYS", "lock:*")).array?.count ?? 0 <= 1)
}
