public import LockStrategies

/// What a reconciliation found and did.
public struct ReconcileReport: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public let product: ProductID
        /// What the ledger knew.
        public let supplied: Int
        public let sold: Int
        /// What Redis held; nil where it knew no stock.
        public let stock: Int?
        public let openUnits: Int
        /// Units that were missing (above 0) or too many (below 0).
        public let drift: Int
        /// Reservations whose purchase stands, and that were cleared.
        public var cleared = 0
        /// Reservations that nobody would have finished; their units went back.
        public var returned = 0
        /// Why the stock was filled from the ledger; nil where it was not.
        public var filled: String?
        /// The product was deleted, and its stock removed.
        public var dropped = false
        /// What could not be done; the next reconciliation tries again.
        public var problems: [String] = []

        public init(
            product: ProductID, supplied: Int, sold: Int, stock: Int?, openUnits: Int, drift: Int,
            problems: [String] = []
        ) {
            self.product = product
            self.supplied = supplied
            self.sold = sold
            self.stock = stock
            self.openUnits = openUnits
            self.drift = drift
            self.problems = problems
        }

        /// Whether anything was found that sales alone do not leave behind.
        public var hasFindings: Bool {
            cleared > 0 || returned > 0 || filled != nil || dropped || drift != 0 || !problems.isEmpty
        }
    }

    /// Products that were looked at.
    public var products = 0
    /// Redis was another server than before, or had not been trusted yet, so every stock was filled anew.
    public var distrusted = false
    /// Whether what was found was only reported.
    public let isDryRun: Bool
    /// Products with findings.
    public var entries: [Entry] = []

    public init(isDryRun: Bool) {
        self.isDryRun = isDryRun
    }

    public var cleared: Int { entries.reduce(0) { $0 + $1.cleared } }
    public var returned: Int { entries.reduce(0) { $0 + $1.returned } }
    public var filled: Int { entries.count { $0.filled != nil } }
    /// Units that were missing or too many, all products together.
    public var driftUnits: Int { entries.reduce(0) { min($0 + abs($1.drift), 1 << 60) } }
    public var hasProblems: Bool { entries.contains { !$0.problems.isEmpty } }
    /// Ledger and Redis agreed on every product.
    public var isClean: Bool { entries.isEmpty && !distrusted }
}
