/// What is known of a strategy before it runs: for help texts, reports, and for the tests that apply to it.
///
/// Each strategy states its own, beside its algorithm.
public struct StrategyTraits: Sendable, Hashable {
    /// What a strategy can do. Claim only what is there: each ability turns tests and checks on.
    public enum Ability: String, Sendable, Hashable, CaseIterable {
        /// Grants leases: its lock ends by itself when a time has passed.
        case leases
        /// Takes a lock that a session of PostgreSQL holds and that ends with it: it has no time to live.
        case sessions
        /// Asks a majority of lock nodes that stand beside the stock's Redis.
        case quorum
        /// Each lease carries a number that rises, and the write under an older one is refused.
        case fencing
        /// A waiter is told of a release, so it need not ask again and again.
        case notifiedWaiting = "notified-waiting"
        /// Waiters of one process are served in the order in which they came.
        case arrivalOrder = "arrival-order"
        /// Queues its writes in a transaction that Redis may refuse.
        case transactions
        /// Does not oversell when a client stalls at any point, for any time.
        case stallSafety = "stall-safety"
    }

    /// What it does, in one line.
    public let summary: String
    /// The step that must not interleave, in words for a report.
    public let criticalSection: String
    /// What it can do.
    public let abilities: Set<Ability>
    /// Where it keeps the units that can still be sold.
    public let stockLayout: StockLayout
    /// When it asks again; nil where there is nothing to ask again.
    public let retry: RetryPolicy?
    /// Oversells by design; measured only to show that the audit can see it.
    public let isNegativeControl: Bool

    /// Each parameter is the property of that name.
    public init(
        summary: String, criticalSection: String, abilities: Set<Ability> = [],
        stockLayout: StockLayout = .oneKey, retry: RetryPolicy? = nil, isNegativeControl: Bool = false
    ) {
        self.summary = summary
        self.criticalSection = criticalSection
        self.abilities = abilities
        self.stockLayout = stockLayout
        self.retry = retry
        self.isNegativeControl = isNegativeControl
    }

    /// It takes a lock, whatever ends it.
    public var takesLock: Bool { abilities.contains(.leases) || abilities.contains(.sessions) }

    /// What every built-in lock does under its lease.
    static let guardedSection = "GET, then write, under the lock"
}
