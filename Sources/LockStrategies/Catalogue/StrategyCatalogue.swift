/// Every strategy by its name: the command-line flag, the metric label and the row in results.
public enum StrategyID: String, Sendable, CaseIterable, CustomStringConvertible {
    case unguarded
    case setnxSpin = "setnx-spin"
    case setnxBackoff = "setnx-backoff"
    case setnxNotify = "setnx-notify"
    case fenced
    case optimistic
    case luaAtomic = "lua-atomic"
    case combining
    case sharded
    case sqlRow = "sql-row"
    case redlock

    public var description: String { rawValue }

    /// What is known of the strategy before it runs.
    public var traits: StrategyTraits {
        switch self {
        case .unguarded: .unguarded
        case .setnxSpin: .setnxSpin
        case .setnxBackoff: .setnxBackoff
        case .setnxNotify: .setnxNotify
        case .fenced: .fenced
        case .optimistic: .optimistic
        case .luaAtomic: .luaAtomic
        case .combining: .combining
        case .sharded: .sharded
        case .sqlRow: .sqlRow
        case .redlock: .redlock
        }
    }

    /// Oversells by design; measured only to show that the audit can see it.
    public var isNegativeControl: Bool { traits.isNegativeControl }

    /// Needs lock nodes beside the Redis that holds the stock.
    public var needsLockNodes: Bool { traits.abilities.contains(.quorum) }
}

/// Every strategy, built from one Redis, a clock and a source of chance. The only list of strategies.
public struct StrategyCatalogue<Redis: RedisPort, C: MonotonicClock>: Sendable {
    private enum Entry {
        case lease(any LeaseLock)
        case lockFree(any LockStrategy)
    }

    private let stock: Redis
    private let lockNodes: [LockNode<Redis>]
    private let clock: C
    private let random: RandomSource
    private let settings: StrategySettings
    private let fences: FenceOrigin

    /// - Parameters:
    ///   - stock: The Redis that holds stock and reservations, and the lock where a lock needs one node only.
    ///   - lockNodes: The independent nodes of redlock.
    ///   - fences: Where `fenced` finds the last numbers when Redis has lost them.
    public init(
        stock: Redis, lockNodes: [LockNode<Redis>], clock: C, random: RandomSource = .system,
        settings: StrategySettings = StrategySettings(), fences: FenceOrigin = .unrecorded
    ) {
        self.stock = stock
        self.lockNodes = lockNodes
        self.clock = clock
        self.random = random
        self.settings = settings
        self.fences = fences
    }

    /// The strategy of this name.
    ///
    /// - Parameter wrap: Put around its lock, where it has one: to watch who holds it, say.
    /// - Throws: When the configuration cannot work for it.
    public func strategy(
        _ id: StrategyID, through wrap: (any LeaseLock) -> any LeaseLock = { $0 }
    ) throws(StrategyConfigurationError) -> any LockStrategy {
        switch try entry(id) {
        case .lockFree(let strategy): strategy
        case .lease(let lock): guarded(wrap(lock))
        }
    }

    /// The lock inside the strategy of this name; nil where there is none.
    public func lock(_ id: StrategyID) throws(StrategyConfigurationError) -> (any LeaseLock)? {
        switch try entry(id) {
        case .lockFree: nil
        case .lease(let lock): lock
        }
    }

    private func entry(_ id: StrategyID) throws(StrategyConfigurationError) -> Entry {
        switch id {
        case .unguarded: .lockFree(Unguarded(redis: stock, clock: clock))
        case .setnxSpin: .lease(setnx(id))
        case .setnxBackoff: .lease(setnx(id))
        case .setnxNotify:
            .lease(
                NotifyLock(
                    redis: stock, clock: clock, random: random, retry: settings.retry(of: id),
                    validity: settings.validity))
        case .fenced:
            .lease(
                FencedLock(
                    redis: stock, clock: clock, random: random, retry: settings.retry(of: id),
                    validity: settings.validity, origin: fences))
        case .optimistic:
            .lockFree(
                Optimistic(redis: stock, clock: clock, random: random, retry: settings.retry(of: id)))
        case .luaAtomic: .lockFree(LuaAtomic(redis: stock, clock: clock))
        case .combining: .lockFree(Combining(redis: stock, clock: clock))
        case .sharded:
            .lockFree(
                Sharded(redis: stock, clock: clock, buckets: id.traits.stockLayout.bucketCount))
        case .sqlRow: .lockFree(SQLRow())
        case .redlock:
            .lease(
                try Redlock(
                    nodes: lockNodes, clock: clock, random: random, retry: settings.retry(of: id),
                    validity: settings.validity))
        }
    }

    private func setnx(_ id: StrategyID) -> SetnxLock<Redis, C> {
        SetnxLock(
            redis: stock, clock: clock, random: random, retry: settings.retry(of: id),
            validity: settings.validity)
    }

    private func guarded(_ lock: some LeaseLock) -> any LockStrategy {
        GuardedDecrement(
            lock: lock, redis: stock, clock: clock, timeToLive: settings.leaseTimeToLive)
    }
}
