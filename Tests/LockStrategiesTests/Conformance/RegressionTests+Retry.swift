import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

@Suite("Regressions: retries, extension, scripts")
struct RetryRegressionTests {
    private static let key = LockKey("lock:a")

    @Test(
        "18 · redsync PR 156: the last try is the last, and its own outcome is what the caller gets",
        arguments: [0, 1, 3])
    func lastTry(retries: Int) async throws {
        // Taken at first; the node dies at the very last try that is allowed.
        let tries = Mutex(0)
        let redis = ScriptedRedis { call throws(RedisError) in
            guard call.name == "SET" else { return .integer(0) }
            let number = tries.withLock { tries in
                tries += 1
                return tries
            }
            guard number <= retries else { throw RedisError(.unavailable, "gone at try \(number)") }
            return .null
        }
        let clock = SkippingClock()
        let lock = SetnxLock(
            redis: redis, clock: clock, random: .seeded(1),
            retry: RetryPolicy(delay: .fixed(.milliseconds(5)), maximumRetries: retries),
            validity: LeaseValidity())
        let error = await #expect(throws: StrategyError.self) {
            try await lock.acquire(Self.key, timeToLive: .seconds(10), deadline: clock.now + .seconds(60))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.evidence.attempts == retries + 1)
        #expect(tries.withLock { $0 } == retries + 1)
        #expect(clock.sleeps.count == retries)
    }

    @Test(
        "14 · redsync #149: one failing node during extend releases nothing, and the rest is extended",
        arguments: 0..<3)
    func failingNodeDuringExtend(place: Int) async throws {
        let nodes = (0..<3).map { _ in ScriptedLockNode(.free) }
        let isDown = Atomic(false)
        let ports = nodes.enumerated().map { index, node in
            ScriptedRedis { [redis = node.redis] call throws(RedisError) in
                if index == place, isDown.load(ordering: .sequentiallyConsistent) {
                    throw RedisError(.unavailable, "this node fails")
                }
                switch call {
                case .command(let words):
                    return try await redis.send(RedisCommand(words[0], Array(words.dropFirst())))
                case .script(let name, let keys, let arguments):
                    let script = RedisScript(name: name, source: "")
                    return try await redis.run(script, keys: keys, arguments: arguments).value
                }
            }
        }
        let lock = try Redlock(
            nodes: ports.enumerated().map { LockNode(name: "\($0.offset)", redis: $0.element) },
            clock: ContinuousClock(), random: .system,
            retry: RetryPolicy(delay: .fixed(.zero), maximumRetries: 0), validity: LeaseValidity())
        let lease = try await lock.granted(Self.key, timeToLive: .seconds(600), within: .zero)
        isDown.store(true, ordering: .sequentiallyConsistent)
        guard case .extended = try await lock.extend(lease, timeToLive: .seconds(900)) else {
            Issue.record("not extended")
            return
        }
        #expect(nodes.count { $0.keys[Self.key.description] == lease.token.description } >= 2)
    }

    @Test(
        "21 · redislock #31, #92: callers at the same time do not share a backoff",
        arguments: StrategyLab.backoffs)
    func sharedBackoff(id: StrategyEntry) throws {
        let policy = try #require(id.traits.retry)
        guard case .exponentialFullJitter(let base, _) = policy.delay else {
            Issue.record("\(id) has no backoff")
            return
        }
        let now = ContinuousClock.now
        var schedules = (0..<50).map { _ in RetrySchedule(policy: policy, deadline: now + .seconds(600)) }
        let random = RandomSource.seeded(7)
        // Interleaved: whoever shared the state would be at the cap after the first few of them.
        for retry in 0..<3 {
            for caller in schedules.indices {
                guard case .retry(let pause) = schedules[caller].attemptFailed(now: now, random: random)
                else {
                    Issue.record("gave up")
                    return
                }
                #expect(pause <= base * (1 << retry))
            }
        }
    }

    @Test("26 · rate-limit-redis #252: a script that failed is not sent again, whatever it says")
    func scriptErrorIsNotReplayed() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: StrategyLab.patient)
            for message in ["ERR it failed", "WRONGTYPE it failed", "NOSCRIPTLIKE it failed"] {
                let script = RedisScript(
                    name: "counts",
                    source: """
                        redis.call('INCR', KEYS[1])
                        return redis.error_reply('\(message)')
                        """)
                _ = try await client.send(RedisCommand("SCRIPT", "LOAD", script.source))
                _ = try await client.send(RedisCommand("DEL", "counter"))
                let error = await #expect(throws: RedisError.self) {
                    try await client.run(script, keys: ["counter"], arguments: [])
                }
                #expect(error?.code == .refused)
                #expect(try await client.send(RedisCommand("GET", "counter")).integer == 1, "\(message)")
            }
            await client.close()
        }
    }
}
