/// What a restore brought back, and how much it is behind.
public struct RestoreReport: Sendable, Hashable {
    public enum BackupTime: Sendable, Hashable {
        /// The backup says when it was begun.
        case noted(Timestamp)
        /// It does not, so this is the date of its file.
        case file(Timestamp)

        public var time: Timestamp {
            switch self {
            case .noted(let time), .file(let time): time
            }
        }
    }

    public let database: String
    public let backup: String
    /// The name that the ledger of before got; nil where there was none.
    public let kept: String?
    /// Steps of the schema that the backup had not gone through, and that were run on the restored ledger.
    public let newSteps: [String]
    public let users: Int
    public let products: Int
    public let purchases: Int
    public let unitsSupplied: Int
    public let unitsSold: Int
    /// Nil without a purchase.
    public let lastPurchase: Timestamp?
    /// Moment of the newest row; nil for a ledger in which nothing happened.
    public let newestRow: Timestamp?
    public let backedUp: BackupTime
    public let restored: Timestamp
    /// How long it took, from the look at the backup to the durable name.
    public let duration: Duration

    package init(
        database: String, backup: String, kept: String?, newSteps: [String], figures: LedgerFigures,
        backedUp: BackupTime, restored: Timestamp, duration: Duration
    ) {
        self.database = database
        self.backup = backup
        self.kept = kept
        self.newSteps = newSteps
        users = figures.users
        products = figures.products
        purchases = figures.purchases
        unitsSupplied = figures.supplied
        unitsSold = figures.sold
        lastPurchase = figures.lastPurchase
        newestRow = figures.newestRow
        self.backedUp = backedUp
        self.restored = restored
        self.duration = duration
    }

    /// How old the newest row was when the backup was made; zero for a ledger in which nothing happened.
    public var newestRowAge: Duration {
        newestRow.map { Self.span(from: $0, to: backedUp.time) } ?? .zero
    }

    /// Since the backup was begun: what was recorded in this time is not in the restored ledger.
    public var backupAge: Duration { Self.span(from: backedUp.time, to: restored) }

    private static func span(from start: Timestamp, to end: Timestamp) -> Duration {
        .microseconds(max(end.microseconds - start.microseconds, 0))
    }
}

/// How much a ledger holds, and how new its rows are.
package struct LedgerFigures: Sendable, Hashable {
    package var users = 0
    /// On sale.
    package var products = 0
    package var purchases = 0
    package var supplied = 0
    package var sold = 0
    package var lastPurchase: Timestamp?
    package var newestRow: Timestamp?

    package init() {}
}
