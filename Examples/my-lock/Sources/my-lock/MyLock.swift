import LockStrategies
import RedisClient

/// `SET NX PX`, asked again every 5 ms. A holder stopped past its lease breaks it, and a Redis that loses
/// keys.
struct MyLock: LeaseLock {
    let parts: LockParts

    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let handle = LeaseToken(foreign: "my-lock-\(parts.random.next())-\(parts.random.next())")
        let words = ["\(key)", "\(handle)", "NX", "PX", "\(Int64(timeToLive / .milliseconds(1)))"]
        var evidence = Evidence()
        repeat {
            let end = parts.validity.end(asked: .now, timeToLive: timeToLive)
            let lease = Lease(key: key, token: handle, fence: nil, validUntil: end)
            (evidence.attempts, evidence.commandsSent) = (evidence.attempts + 1, evidence.commandsSent + 1)
            do throws(RedisError) {
                let isSet = try await parts.redis.send(RedisCommand("SET", words)) != .null
                if isSet && .now < end { return .granted(lease, evidence: evidence) }
                if isSet { _ = try? await release(lease) }
            } catch {
                // The key may be set. In a task of its own, for this one may be cancelled.
                await Task { _ = try? await release(lease) }.value
                throw StrategyError(error, during: "acquiring \(key)", evidence: evidence)
            }
            try? await Task.sleep(for: .milliseconds(5))
            if Task.isCancelled { throw StrategyError(.cancelled, "waiting for \(key)", evidence: evidence) }
        } while .now < deadline
        return .contended(evidence: evidence)
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let end = parts.validity.end(asked: .now, timeToLive: timeToLive)
        let answer = try await own(lease, "PEXPIRE", "\(Int64(timeToLive / .milliseconds(1)))")
        return answer == 1 ? .extended(lease.extended(to: end)) : answer == -1 ? .notOwner : .absent
    }

    func release(_ lease: Lease, _ cost: inout Evidence) async throws(StrategyError) -> ReleaseOutcome {
        cost.commandsSent += 1
        let answer = try await own(lease, "DEL")
        return answer == 1 ? .released : answer == -1 ? .notOwner : .absent
    }

    /// Carries out a command if the lease has the key. -1: somebody else has it; -2: nobody has.
    private func own(_ lease: Lease, _ words: String...) async throws(StrategyError) -> Int64? {
        let script =
            "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.call('EXISTS', KEYS[1]) - 2 end return redis.call(ARGV[2], KEYS[1], unpack(ARGV, 3))"
        let command = RedisCommand("EVAL", [script, "1", "\(lease.key)", "\(lease.token)"] + words)
        do throws(RedisError) { return try await parts.redis.send(command).integer } catch {
            throw StrategyError(error, during: "changing \(lease.key)")
        }
    }
}
