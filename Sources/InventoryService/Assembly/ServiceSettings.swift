public import LockStrategies

/// How a service sells; one initialiser holds every default.
public struct ServiceSettings: Sendable, Hashable {
    /// Sells. Purchases are recorded under its name.
    public var strategy: StrategyEntry
    /// How long a buyer waits for the lock.
    public var patience: Duration
    /// Units of one product that one user may buy in all; nil: any number.
    public var perUserLimit: Int?
    /// The policies of the strategy: its lease, when it asks again.
    public var policies: StrategySettings

    public init(
        strategy: StrategyEntry, patience: Duration = .seconds(5), perUserLimit: Int? = nil,
        policies: StrategySettings = StrategySettings()
    ) {
        self.strategy = strategy
        self.patience = patience
        self.perUserLimit = perUserLimit
        self.policies = policies
    }

    /// The strategy, on the Redis that holds the stock.
    ///
    /// - Parameters:
    ///   - fences: Where `fenced` finds the last numbers when Redis has lost them.
    ///   - finishing: Takes work that no buyer waits for; its owner waits for the end of it.
    ///   - advisoryLocks: The sessions of `pg-advisory`; nil where there is no PostgreSQL.
    ///   - executor: Where a lock is asked for, held and handed over: that of the event loop of its Redis.
    ///     Nil: where each caller runs. A strategy without a lock runs where its caller runs.
    ///   - wrap: Put around the strategy's lock, where it has one.
    /// - Throws: When the configuration cannot work for it.
    public func strategy<Redis: RedisPort>(
        on stock: Redis, lockNodes: [LockNode<Redis>], fences: FenceOrigin = .unrecorded,
        finishing: FinishingQueue? = nil, advisoryLocks: (any AdvisoryLocks)? = nil,
        executor: (any TaskExecutor)? = nil,
        through wrap: (any LeaseLock) -> any LeaseLock = { $0 }
    ) throws(StrategyConfigurationError) -> any LockStrategy {
        let made = try StrategyBuilder(
            stock: stock, lockNodes: lockNodes, clock: ContinuousClock(), settings: policies, fences: fences,
            finishing: finishing, advisoryLocks: advisoryLocks
        ).strategy(strategy, through: wrap)
        guard let executor, strategy.traits.takesLock else { return made }
        return place(made, on: executor)
    }

    private func place(_ strategy: some LockStrategy, on executor: any TaskExecutor) -> any LockStrategy {
        PlacedStrategy(strategy, on: executor)
    }
}
