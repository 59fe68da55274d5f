import RedisClient

/// A lock in one key of one Redis: `SET key token NX PX ttl`, tried again by a retry policy, released by a
/// script that compares the token and deletes.
///
/// With a fixed pause it is `setnx-spin`, with exponential backoff and full jitter `setnx-backoff`.
/// What breaks it: a holder stopped past its lease; a Redis that loses the key (restart without
/// persistence, failover, a jump of the server's clock). One round trip per attempt and one to release.
/// Source: redis.io, command SET, "Patterns"; "Distributed Locks with Redis".
public struct SetnxLock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    private let node: LockNode<Redis>
    private let clock: C
    private let random: RandomSource
    private let retry: RetryPolicy
    private let validity: LeaseValidity

    public init(
        redis: Redis, clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity
    ) {
        node = LockNode(name: "redis", redis: redis)
        self.clock = clock
        self.random = random
        self.retry = retry
        self.validity = validity
    }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let token = LeaseToken(random: random)
        return try await AcquireLoop(clock: clock, random: random, retry: retry)
            .run(deadline: deadline) { evidence throws(StrategyError) in
                let asked = clock.now
                evidence.commandsSent += 1
                let isGranted: Bool
                do throws(RedisError) {
                    isGranted = try await node.set(key, token, milliseconds)
                } catch {
                    if error.mayHaveBeenApplied { evidence.commandsSent += await takeBack(key, token) }
                    throw StrategyError(error, during: "acquiring \(key)")
                }
                guard isGranted else { return nil }
                let end = validity.end(asked: asked, timeToLive: timeToLive)
                guard clock.now < end else {
                    evidence.commandsSent += await takeBack(key, token)
                    throw StrategyError(
                        .leaseLost, "the grant of \(key) arrived after its validity; it was given back")
                }
                return Lease(key: key, token: token, fence: nil, validUntil: end)
            }
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        let milliseconds = try validity.checked(timeToLive)
        let asked = clock.now
        switch try await owned(
            "extending \(lease.key)",
            { () throws(RedisError) in
                try await node.extend(lease.key, lease.token, milliseconds)
            })
        {
        case .absent: return .absent
        case .notOwner: return .notOwner
        case .done:
            let end = validity.end(asked: asked, timeToLive: timeToLive)
            guard clock.now < end else {
                throw StrategyError(.leaseLost, "the extension of \(lease.key) took longer than its validity")
            }
            return .extended(lease.extended(to: end))
        }
    }

    public func release(_ lease: Lease) async throws(StrategyError) -> ReleaseOutcome {
        switch try await owned(
            "releasing \(lease.key)",
            { () throws(RedisError) in
                try await node.release(lease.key, lease.token)
            })
        {
        case .done: .released
        case .notOwner: .notOwner
        case .absent: .absent
        }
    }

    private func owned(
        _ step: String, _ command: () async throws(RedisError) -> NodeAnswer
    ) async throws(StrategyError) -> NodeAnswer {
        do throws(RedisError) {
            return try await command()
        } catch {
            throw StrategyError(error, during: step, evidence: Evidence(commandsSent: 1))
        }
    }

    /// Deletes a key that a lost or late grant may have left; the commands that it took.
    private func takeBack(_ key: LockKey, _ token: LeaseToken) async -> Int {
        await uncancelled { [node] in
            await node.takeBack(key, token)
            return 1
        }
    }
}

extension StrategyTraits {
    static let setnxSpin = StrategyTraits(
        summary: "SET NX with a lease on one Redis, asked again at a fixed interval",
        criticalSection: guardedSection, abilities: [.leases],
        retry: RetryPolicy(delay: .fixed(.milliseconds(5))))

    static let setnxBackoff = StrategyTraits(
        summary: "SET NX with a lease on one Redis, exponential backoff with full jitter",
        criticalSection: guardedSection, abilities: [.leases],
        retry: RetryPolicy(
            delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(100))))
}
