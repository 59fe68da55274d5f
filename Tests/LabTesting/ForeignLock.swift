package import LockStrategies
import RedisClient

/// A lock as another package would bring it: it is made of public parts only.
package struct ForeignLock<Redis: RedisPort>: LeaseLock {
    let redis: Redis
    let random: RandomSource

    package init(redis: Redis, random: RandomSource) {
        self.redis = redis
        self.random = random
    }

    package func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let token = LeaseToken(random: random)
        var evidence = Evidence()
        let began = ContinuousClock.now
        while ContinuousClock.now < deadline {
            let sent = ContinuousClock.now
            evidence.attempts += 1
            evidence.commandsSent += 1
            let reply = try await ask(
                RedisCommand(
                    "SET", key.description, token.description, "NX", "PX",
                    String(timeToLive.milliseconds)))
            evidence.waited = began.duration(to: .now)
            if reply != .null {
                let lease = Lease(key: key, token: token, fence: nil, validUntil: sent + timeToLive)
                return .granted(lease, evidence: evidence)
            }
            do { try await Task.sleep(for: .milliseconds(2)) } catch {
                throw StrategyError(.cancelled, "waiting for \(key)", evidence: evidence)
            }
        }
        return .contended(evidence: evidence)
    }

    package func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        .notOwner
    }

    package func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        let script = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"
        evidence.commandsSent += 1
        let reply = try await ask(
            RedisCommand("EVAL", script, "1", lease.key.description, lease.token.description))
        return reply.integer == 1 ? .released : .notOwner
    }

    private func ask(_ command: RedisCommand) async throws(StrategyError) -> RESPValue {
        do throws(RedisError) {
            return try await redis.send(command)
        } catch {
            throw StrategyError(.unavailable, error.context, underlying: error)
        }
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

package struct ForeignFactory: StrategyFactory {
    package init() {}

    package func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(ForeignLock(redis: parts.stock, random: parts.random))
    }
}

extension StrategyEntry {
    package static let foreign = StrategyEntry(
        "foreign-lock",
        traits: StrategyTraits(
            summary: "a lock from another package", criticalSection: "GET, then write, under the lock",
            abilities: [.leases]),
        factory: ForeignFactory())
}
