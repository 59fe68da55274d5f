/// The one error of this module: the question could not be answered. What is expected (sold out,
/// contended, a name that is taken, a wrong password) is a value and never an error.
public struct InventoryError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// A field of the request breaks its rule; `field` names it.
        case invalidField = "invalid-field"
        /// The request names a user that the ledger does not know (any more).
        case unknownUser = "unknown-user"
        /// An access token is missing a part, was changed, has ended or is not for this service.
        case invalidToken = "invalid-token"
        /// The same idempotency key came with another body.
        case idempotencyMismatch = "idempotency-mismatch"
        /// SQLite answered with an error; nothing of the request was written.
        case ledgerUnavailable = "ledger-unavailable"
        /// More writes wait for the ledger than its queue holds, or this one waited too long; nothing was
        /// written.
        case ledgerOverloaded = "ledger-overloaded"
        /// The disk of the ledger is full; nothing was written.
        case ledgerFull = "ledger-full"
        /// The disk failed under a commit: the write may be found after a restart, or not.
        case recordUnknown = "record-unknown"
        /// Redis could not be reached or did not answer in time; nothing was taken.
        case redisUnavailable = "redis-unavailable"
        /// Redis answered that it will not do it (out of memory, read-only, ...); nothing was taken.
        case redisRefused = "redis-refused"
        /// A reply of Redis was lost: the step may have been applied.
        case outcomeUnknown = "outcome-unknown"
        /// The product exists and its stock in Redis does not, or is not a number.
        case stockUnknown = "stock-unknown"
        /// The lock ended before the protected write; nothing was taken.
        case leaseLost = "lease-lost"
        /// The stock of the product was filled anew during the purchase; nothing was bought.
        case stockReplaced = "stock-replaced"
        /// The reservation was returned before its sale was recorded; nothing was bought.
        case reservationEnded = "reservation-ended"
        /// More passwords wait to be hashed than the queue holds.
        case hashingOverloaded = "hashing-overloaded"
        /// The system's bcrypt or random source failed.
        case cryptoFailed = "crypto-failed"
        /// The caller's task was cancelled.
        case cancelled
        /// The database file cannot be opened or written.
        case databaseUnusable = "database-unusable"
        /// Another process holds the lock file of the database.
        case databaseLocked = "database-locked"
        /// The database was migrated by a newer version of this program.
        case schemaTooNew = "schema-too-new"
        /// A secret is too short, or a setting is out of its range.
        case unsafeConfiguration = "unsafe-configuration"
    }

    /// On the heap, so that every asynchronous call that may fail has room for a reference only.
    private final class Cost: Sendable {
        let timings: PurchaseTimings

        init(_ timings: PurchaseTimings) {
            self.timings = timings
        }
    }

    public let code: Code
    /// A sentence for the person who reads the log or made the request.
    public let context: String
    /// The field that is wrong, with `.invalidField`.
    public let field: String?
    public let underlying: (any Error)?
    /// What a purchase had cost until it failed.
    public var timings: PurchaseTimings? {
        get { cost?.timings }
        set { cost = newValue.map { Cost($0) } }
    }
    private var cost: Cost?
    public let file: String
    public let line: Int

    public init(
        _ code: Code, _ context: String, field: String? = nil, underlying: (any Error)? = nil,
        timings: PurchaseTimings? = nil, file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.context = context
        self.field = field
        self.underlying = underlying
        cost = timings.map { Cost($0) }
        self.file = file
        self.line = line
    }

    /// The same error, with what the purchase had cost.
    func with(_ timings: PurchaseTimings) -> InventoryError {
        var error = self
        error.timings = timings
        return error
    }

    public var description: String {
        let cause = underlying.map { " (\($0))" } ?? ""
        return "\(code.rawValue): \(context)\(cause)"
    }

    static func invalid(
        _ field: String, _ rule: String, file: String = #fileID, line: Int = #line
    ) -> InventoryError {
        InventoryError(.invalidField, "\(field) \(rule)", field: field, file: file, line: line)
    }
}
