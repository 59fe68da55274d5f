/// Every strategy by its name: the command-line flag, the metric label and the row in results.
public enum StrategyID: String, Sendable, CaseIterable, CustomStringConvertible {
    case unguarded
    case setnxSpin = "setnx-spin"
    case setnxBackoff = "setnx-backoff"
    case luaAtomic = "lua-atomic"
    case redlock

    public var description: String { rawValue }

    /// Oversells by design; measured only to show that the audit can see it.
    public var isNegativeControl: Bool { self == .unguarded }

    /// Needs lock nodes beside the Redis that holds the stock.
    public var needsLockNodes: Bool { self == .redlock }
}
