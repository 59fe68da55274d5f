package import RedisClient

/// A lock in one key of one Redis: `SET key token NX PX ttl`, tried again by a retry policy, released by a
/// script that compares the token and deletes.
///
/// With a fixed pause it is `setnx-spin`, with exponential backoff and full jitter `setnx-backoff`.
/// What breaks it: a holder stopped past its lease; a Redis that loses the key (restart without
/// persistence, failover, a jump of the server's clock). One round trip per attempt and one to release.
/// Source: redis.io, command SET, "Patterns"; "Distributed Locks with Redis".
public struct SetnxLock<Redis: RedisPort, C: MonotonicClock>: LeaseLock {
    private let leases: OneNodeLeases<Redis, C>
    private let random: RandomSource
    private let retry: RetryPolicy

    /// - Parameters:
    ///   - redis: Keeps the lock.
    ///   - clock: Counts leases and pauses.
    ///   - random: Makes tokens and spreads pauses.
    ///   - retry: When a lock that is taken is asked for again.
    ///   - validity: What is taken off a lease for the drift of clocks.
    ///   - finishing: Takes clean-up that no caller waits for; nil: the call waits for it.
    public init(
        redis: Redis, clock: C, random: RandomSource, retry: RetryPolicy, validity: LeaseValidity,
        finishing: FinishingQueue? = nil
    ) {
        leases = OneNodeLeases(redis: redis, clock: clock, validity: validity, finishing: finishing)
        self.random = random
        self.retry = retry
    }

    public func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        try await acquire(key, timeToLive: timeToLive, deadline: deadline) {
            token, milliseconds, evidence throws(RedisError) in
            try await leases.node.set(key, token, milliseconds, &evidence)
        }
    }

    /// - Parameter ask: One try; false when somebody else holds the lock.
    private func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant,
        ask: (
            _ token: LeaseToken, _ milliseconds: Int64, _ evidence: inout Evidence
        ) async throws(RedisError) -> Bool
    ) async throws(StrategyError) -> AcquireOutcome {
        let milliseconds = try leases.validity.checked(timeToLive)
        let token = LeaseToken(random: random)
        return try await AcquireLoop(clock: leases.clock, random: random, retry: retry)
            .run(deadline: deadline) { evidence throws(StrategyError) in
                try await leases.attempt(key, token, timeToLive: timeToLive, &evidence) {
                    evidence throws(RedisError) in
                    try await ask(token, milliseconds, &evidence) ? .granted(nil) : .taken
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

extension SetnxLock: CarryingLock {
    package func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant, reading read: SectionCall
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        var stock: RESPValue?
        let outcome = try await acquire(key, timeToLive: timeToLive, deadline: deadline) {
            token, milliseconds, evidence throws(RedisError) in
            let answer = try await leases.ask(
                EmbeddedScripts.acquireLockAndRead, keys: [key.description],
                arguments: [token.description, String(milliseconds)], reading: read, &evidence)
            stock = answer.stock
            return answer.grant == 1
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
    /// The strategy `setnx-spin`: see ``SetnxLock``.
    public static let setnxSpin = StrategyEntry(
        "setnx-spin",
        traits: StrategyTraits(
            summary: "SET NX with a lease on one Redis, asked again at a fixed interval",
            criticalSection: StrategyTraits.guardedSection, abilities: [.leases],
            retry: RetryPolicy(delay: .fixed(.milliseconds(5)))),
        factory: SetnxFactory())

    /// The strategy `setnx-backoff`: see ``SetnxLock``.
    public static let setnxBackoff = StrategyEntry(
        "setnx-backoff",
        traits: StrategyTraits(
            summary: "SET NX with a lease on one Redis, exponential backoff with full jitter",
            criticalSection: StrategyTraits.guardedSection, abilities: [.leases],
            retry: RetryPolicy(
                delay: .exponentialFullJitter(base: .milliseconds(1), cap: .milliseconds(100)))),
        factory: SetnxFactory())
}

private struct SetnxFactory: StrategyFactory {
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(
            SetnxLock(
                redis: parts.stock, clock: parts.clock, random: parts.random, retry: parts.retry,
                validity: parts.validity, finishing: parts.finishing))
    }
}
