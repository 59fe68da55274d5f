import LockStrategies
import RedisClient

/// Takes and gives back `rounds` locks, in several lanes with a key each, and adds every token to a Redis
/// set.
///
/// Says "churning" when the first lane has begun and "done" at the end.
func churn(
    _ lock: any LeaseLock, _ key: LockKey, rounds: Int, notingIn set: String, of redis: RedisClient
) async throws {
    let lanes = 25
    say("churning")
    try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in 0..<lanes {
            group.addTask {
                var tokens: [String] = []
                for round in 1...max(rounds / lanes, 1) {
                    let outcome = try await lock.acquire(
                        LockKey("\(key):\(lane)"), timeToLive: .seconds(600),
                        deadline: .now + .seconds(120))
                    guard case .granted(let lease, _) = outcome else {
                        throw WorkerFailure(reason: "contended")
                    }
                    tokens.append(lease.token.description)
                    _ = try await lock.release(lease)
                    if tokens.count == 200 || round == rounds / lanes {
                        _ = try await redis.send(RedisCommand("SADD", [set] + tokens))
                        tokens = []
                    }
                }
            }
        }
        try await group.waitForAll()
    }
    say("done")
}
