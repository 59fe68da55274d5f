package import RedisClient

/// A lock on one Redis whose every grant carries a number that rises; a write under an older number is
/// refused.
///
/// A holder that is stopped past its lease and goes on finds that Redis no longer takes its write. That makes
/// it safe against stalls, where the other locks are not. It asks that the resource is in Redis too: the
/// number is compared in the same step as the write. What breaks it: a Redis that loses the last grants and
/// keeps older ones (failover); against one that comes back empty, numbering goes on from the ledger.
/// One round trip per attempt, one more for the first grant after the number was lost, one to release.
/// Source: Martin Kleppmann, "How to do distributed locking", 2016.
public struct FencedLock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    private let redis: Redis
    private let leases: OneNodeLeases<Redis, C>
    private let random: RandomSource
    private let retry: RetryPolicy
    private let origin: FenceOrigin

    /// - Parameters:
    ///   - redis: Keeps the lock.
    ///   - clock: Counts leases and pauses.
    ///   - random: Makes tokens and spreads pauses.
    ///   - retry: When a lock that is taken is asked for again.
    ///   - validity: What is taken off a lease for the drift of clocks.
    ///   - origin: Where the last number is when Redis has lost it.
    ///   - finishing: Takes clean-up that no caller waits for; nil: the call waits for it.
    public init(
        redis: Redis, clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity,
        origin: FenceOrigin, finishing: FinishingQueue? = nil
    ) {
        self.redis = redis
        leases = OneNodeLeases(
            redis: redis, clock: clock, validity: validity,
            carriedRelease: EmbeddedScripts.writeFencedAndRelease, finishing: finishing)
        self.random = random
        self.retry = retry
        self.origin = origin
    }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        try await acquire(key, timeToLive: timeToLive, deadline: deadline) {
            keys, arguments, evidence throws(RedisError) in
            try await redis.run(
                EmbeddedScripts.acquireFenced, keys: keys, arguments: arguments, &evidence
            ).integer ?? 0
        }
    }

    /// - Parameter ask: Sends acquire-fenced, alone or with more behind it, and says what it answered.
    private func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant,
        ask: (
            _ keys: [String], _ arguments: [String], _ evidence: inout Evidence
        ) async throws(RedisError) -> Int64
    ) async throws(StrategyError) -> AcquireOutcome {
        let milliseconds = try leases.validity.checked(timeToLive)
        let token = LeaseToken(random: random)
        return try await AcquireLoop(clock: leases.clock, random: random, retry: retry)
            .run(deadline: deadline) { evidence throws(StrategyError) in
                var start: Int64 = -1
                while true {
                    var isUnnumbered = false
                    let lease = try await leases.attempt(key, token, timeToLive: timeToLive, &evidence) {
                        evidence throws(RedisError) in
                        let number = try await ask(
                            [key.description, key.fence],
                            [token.description, String(milliseconds), String(start)], &evidence)
                        isUnnumbered = number < 0
                        return number > 0 ? .granted(Fence(number)) : .taken
                    }
                    guard isUnnumbered else { return lease }
                    start = try await origin.start(of: key)
                }
            }
    }

    public func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        try await leases.extend(lease, timeToLive: timeToLive)
    }

    public func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        try await leases.release(lease, &evidence)
    }
}

extension FencedLock: CarryingLock {
    package func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant, reading read: SectionCall
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        var stock: RESPValue?
        let outcome = try await acquire(key, timeToLive: timeToLive, deadline: deadline) {
            keys, arguments, evidence throws(RedisError) in
            let answer = try await leases.ask(
                EmbeddedScripts.acquireFencedAndRead, keys: keys, arguments: arguments, reading: read,
                &evidence)
            stock = answer.stock
            return answer.grant
        }
        return (outcome, stock)
    }

    package func release(
        _ lease: Lease, after write: SectionCall, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?) {
        try await release(lease, of: leases, after: write, &evidence)
    }
}

extension StrategyEntry {
    /// The strategy `fenced`: see ``FencedLock``.
    public static let fenced = StrategyEntry(
        "fenced",
        traits: StrategyTraits(
            summary: "SET NX with a lease and a rising number; a write under an older number is refused",
            criticalSection: "GET, then write if the lease's number is the newest, under the lock",
            abilities: [.leases, .fencing, .stallSafety],
            retry: RetryPolicy(
                delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(100)))),
        factory: FencedFactory())
}

private struct FencedFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(
            FencedLock(
                redis: parts.stock, clock: parts.clock, random: parts.random, retry: parts.retry,
                validity: parts.validity, origin: parts.fences,
                finishing: parts.finishing))
    }
}
