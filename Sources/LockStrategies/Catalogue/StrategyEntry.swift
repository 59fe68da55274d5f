/// A strategy as a registry knows it: its name, what is known of it before it runs, and how it is made.
///
/// Another package adds a strategy of its own with an entry of its own; see ``StrategyRegistry/adding(_:)``.
/// Two entries are equal when their names and traits are: a registry has each name once.
public struct StrategyEntry: Sendable, Hashable, CustomStringConvertible {
    /// Its name, which a registry has once.
    public let id: StrategyID
    /// What is known of it before it runs.
    public let traits: StrategyTraits
    let factory: any StrategyFactory

    /// - Parameters:
    ///   - id: Its name.
    ///   - traits: What it can do; each ability turns tests on.
    ///   - factory: Makes it, once for each client.
    public init(_ id: StrategyID, traits: StrategyTraits, factory: some StrategyFactory) {
        self.id = id
        self.traits = traits
        self.factory = factory
    }

    /// The id as text.
    public var name: String { id.rawValue }

    public var description: String { name }

    /// Oversells by design; measured only to show that the audit can see it.
    public var isNegativeControl: Bool { traits.isNegativeControl }

    /// Needs lock nodes beside the Redis that holds the stock.
    public var needsLockNodes: Bool { traits.abilities.contains(.quorum) }

    /// Needs a PostgreSQL, whose sessions hold its lock.
    public var needsPostgres: Bool { traits.abilities.contains(.sessions) }

    /// It is one of this package's own, which a lab-server knows.
    package var isBuiltIn: Bool { StrategyRegistry.builtIn[id] != nil }

    public static func == (one: StrategyEntry, other: StrategyEntry) -> Bool {
        one.id == other.id && one.traits == other.traits
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// Makes one strategy, on whatever Redis and clock it is given.
public protocol StrategyFactory: Sendable {
    /// - Throws: When the configuration cannot work for this strategy.
    func make<Redis: RedisPort, C: MonotonicClock>(
        from parts: StrategyParts<Redis, C>
    ) throws(StrategyConfigurationError) -> StrategyMechanism
}

/// What a factory makes.
public enum StrategyMechanism: Sendable {
    /// A lock. Stock is read and written under it, see ``GuardedDecrement``.
    case lock(any LeaseLock)
    /// A strategy that takes units without a lock.
    case lockFree(any LockStrategy)
}

/// What a strategy is made of.
public struct StrategyParts<Redis: RedisPort, C: MonotonicClock>: Sendable {
    /// The Redis that holds stock and reservations, and the lock where a lock needs one node only.
    public let stock: Redis
    /// Independent lock nodes, for strategies with the ability ``StrategyTraits/Ability/quorum``.
    public let lockNodes: [LockNode<Redis>]
    /// The only clock that the strategy may ask.
    public let clock: C
    /// The only source of chance that the strategy may ask.
    public let random: RandomSource
    /// When this strategy asks again: as set, else as its traits say.
    public let retry: RetryPolicy
    /// What is taken off a lease for clocks that drift apart.
    public let validity: LeaseValidity
    /// Where a fencing lock finds the last numbers when Redis has lost them.
    public let fences: FenceOrigin
    /// Takes work that no caller waits for; nil: a call waits for all that it began.
    public let finishing: FinishingQueue?
    /// Sessions of a PostgreSQL, for strategies with the ability ``StrategyTraits/Ability/sessions``; nil
    /// where no PostgreSQL is given.
    public let advisoryLocks: (any AdvisoryLocks)?
}
