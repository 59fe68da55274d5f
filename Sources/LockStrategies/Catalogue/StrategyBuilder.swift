/// Builds strategies on one Redis, a clock and a source of chance.
public struct StrategyBuilder<Redis: RedisPort, C: MonotonicClock>: Sendable {
    private let stock: Redis
    private let lockNodes: [LockNode<Redis>]
    private let clock: C
    private let random: RandomSource
    private let settings: StrategySettings
    private let fences: FenceOrigin
    private let finishing: FinishingQueue?
    private let advisoryLocks: (any AdvisoryLocks)?

    /// - Parameters:
    ///   - stock: The Redis that holds stock and reservations, and the lock where a lock needs one node only.
    ///   - lockNodes: The independent nodes of redlock.
    ///   - clock: The only clock that a strategy may ask.
    ///   - random: The only source of chance that a strategy may ask.
    ///   - settings: Leases, drift and retries.
    ///   - fences: Where `fenced` finds the last numbers when Redis has lost them.
    ///   - finishing: Takes work that no caller waits for; nil: a call waits for all that it began.
    ///   - advisoryLocks: The sessions of `pg-advisory`; nil where there is no PostgreSQL.
    public init(
        stock: Redis, lockNodes: [LockNode<Redis>], clock: C, random: RandomSource = .system,
        settings: StrategySettings = StrategySettings(), fences: FenceOrigin = .unrecorded,
        finishing: FinishingQueue? = nil, advisoryLocks: (any AdvisoryLocks)? = nil
    ) {
        self.stock = stock
        self.lockNodes = lockNodes
        self.clock = clock
        self.random = random
        self.settings = settings
        self.fences = fences
        self.finishing = finishing
        self.advisoryLocks = advisoryLocks
    }

    /// The strategy of this entry.
    ///
    /// - Parameters:
    ///   - entry: Which strategy.
    ///   - wrap: Put around its lock, where it has one: to watch who holds it, say.
    /// - Throws: When the configuration cannot work for it.
    public func strategy(
        _ entry: StrategyEntry, through wrap: (any LeaseLock) -> any LeaseLock = { $0 }
    ) throws(StrategyConfigurationError) -> any LockStrategy {
        switch try mechanism(entry) {
        case .lockFree(let strategy): strategy
        case .lock(let lock): guarded(wrap(lock))
        }
    }

    /// The lock inside the strategy of this entry; nil where there is none.
    public func lock(_ entry: StrategyEntry) throws(StrategyConfigurationError) -> (any LeaseLock)? {
        switch try mechanism(entry) {
        case .lockFree: nil
        case .lock(let lock): lock
        }
    }

    private func mechanism(_ entry: StrategyEntry) throws(StrategyConfigurationError) -> StrategyMechanism {
        let made = try entry.factory.make(
            from: StrategyParts(
                stock: stock, lockNodes: lockNodes, clock: clock, random: random,
                retry: settings.retry(of: entry), validity: settings.validity, fences: fences,
                finishing: finishing, advisoryLocks: advisoryLocks))
        switch (made, entry.traits.takesLock) {
        case (.lock, true), (.lockFree, false): return made
        case (.lock, false):
            throw StrategyConfigurationError(
                "\(entry) makes a lock, and its traits lack the ability leases, or sessions")
        case (.lockFree, true):
            throw StrategyConfigurationError(
                "\(entry) makes no lock, and its traits have the ability leases, or sessions")
        }
    }

    private func guarded(_ lock: some LeaseLock) -> any LockStrategy {
        GuardedDecrement(
            lock: lock, redis: stock, clock: clock, timeToLive: settings.leaseTimeToLive)
    }
}
