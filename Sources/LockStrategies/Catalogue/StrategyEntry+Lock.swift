public import RedisClient

extension StrategyEntry {
    /// A strategy that reads and writes the stock under a lock of your own on one Redis.
    ///
    /// The shortest way to a lock on the bench. A lock on several nodes, one that carries fences, or one that
    /// is to run on the clock of a test has traits and a ``StrategyFactory`` of its own.
    ///
    /// - Parameters:
    ///   - id: Its name: the command-line flag and the row in results.
    ///   - summary: What it does, in one line of a report.
    ///   - make: Makes the lock. Called once for each trial, for each client of a clause, and in each worker
    ///     process; it sends nothing itself.
    public init(
        lock id: StrategyID, summary: String, make: @escaping @Sendable (LockParts) -> any LeaseLock
    ) {
        self.init(
            id,
            traits: StrategyTraits(
                summary: summary, criticalSection: StrategyTraits.guardedSection, abilities: [.leases]),
            factory: OwnLockFactory(make: make))
    }
}

/// What a lock of another package is made of.
public struct LockParts: Sendable {
    /// The Redis of the lock. It belongs to whoever asked for the lock, who also closes it.
    public let redis: any RedisPort
    /// Where that Redis is, and as whom it is asked, for a lock that brings a client of its own. What such a
    /// client sends is not among the commands that a run counts. nil in a simulated world.
    public var endpoint: RedisEndpoint? { (redis as? RedisClient)?.endpoint }
    /// Chance for tokens and pauses.
    public let random: RandomSource
    /// How long a holder may rely on a grant.
    public let validity: LeaseValidity
}

private struct OwnLockFactory: StrategyFactory {
    let make: @Sendable (LockParts) -> any LeaseLock

    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism {
        .lock(make(LockParts(redis: parts.stock, random: parts.random, validity: parts.validity)))
    }
}
