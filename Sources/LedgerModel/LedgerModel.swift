package import InventoryService
package import LockStrategies

/// The ledger as a value: users, products, purchases, and what was ended or refused. A copy is a snapshot.
///
/// It has no clock and no chance: the same calls in the same order always have the same outcomes. Each
/// function answers as the `SQLiteLedger` does, and what throws changes nothing. `LedgerDifferentialTests`
/// hold the two against each other.
///
/// Left out is what SQLite does with values that no caller makes: times before 1970 or after 9999, and a
/// password's hash with U+0000.
package struct LedgerModel: Sendable, Equatable {
    package struct UserRow: Sendable, Equatable {
        package let username: String
        package let email: String?
        package var hash: PasswordHash
        package var role: UserRole
        package var tokenVersion: Int64 = 1
        package var disabledAt: Timestamp?
        package let createdAt: Timestamp
        package var updatedAt: Timestamp
    }

    package struct ProductRow: Sendable, Equatable {
        package let id: ProductID
        package var name: String
        package var description: String?
        package var price: Int
        package var supplied: Int
        package var sold = 0
        package var epoch: Int64 = 1
        package var deletedAt: Timestamp?
        package let createdAt: Timestamp
    }

    package struct PurchaseRow: Sendable, Equatable {
        package let purchase: Purchase
        package let reservation: ReservationID
        package let key: IdempotencyKey?
        package let strategy: String
        package let fence: Fence?
    }

    package struct MovementRow: Sendable, Equatable {
        package let product: ProductID
        package let delta: Int
        package let reason: String
        /// Nil where the ledger did not know the actor.
        package let actor: UserID?
        package let time: Timestamp
        /// Nil for the units with which a product starts.
        package let reservation: ReservationID?
    }

    /// The name under which this ledger fills stocks.
    package let origin: String

    /// Users in the order of their numbers, which begin with 1 and have no gap.
    package internal(set) var users: [UserRow] = []
    /// Products in the order of their numbers, deleted ones too.
    package internal(set) var products: [ProductRow] = []
    /// Purchases in the order of their numbers, which begin with 1 and have no gap.
    package internal(set) var purchases: [PurchaseRow] = []
    package internal(set) var movements: [MovementRow] = []
    /// When reservations were ended without a sale.
    package internal(set) var endings: [ReservationID: Timestamp] = [:]
    package internal(set) var refusals: [UserID: [IdempotencyKey: PurchaseRefusal]] = [:]
    /// The run ids of the Redis servers that held the stock last.
    package internal(set) var stockServers: Set<String> = []
    /// The highest number that a product ever had: none is given twice.
    var lastProduct: Int64 = 0

    /// An empty ledger.
    ///
    /// - Parameter origin: As the SQLite ledger draws it: 16 hexadecimal digits, small letters.
    package init(origin: String) {
        self.origin = origin
    }

    /// An empty ledger that draws its origin.
    package init(random: RandomSource) {
        let digits = String(random.next(), radix: 16)
        self.init(origin: String(repeating: "0", count: 16 - digits.count) + digits)
    }

    // MARK: - What SQLite refuses

    /// The error of a row that breaks a rule of the schema.
    static func refused(_ row: String) -> InventoryError {
        InventoryError(.ledgerUnavailable, "the ledger cannot keep \(row)")
    }

    static var unknownUser: InventoryError {
        InventoryError(.unknownUser, "this user does not exist any more")
    }

    /// Whether a column takes a text: SQLite counts Unicode scalars.
    static func fits(_ text: String, _ lengths: ClosedRange<Int>) -> Bool {
        lengths.contains(text.unicodeScalars.count) && isWhole(text)
    }

    /// Whether SQLite gets the text as a text; see `WholeText`.
    static func isWhole(_ text: String) -> Bool { !text.utf8.contains(0) }

    /// Whether SQLite holds two texts for the same: it compares bytes, and Swift compares characters.
    static func isSame(_ one: String, _ other: String) -> Bool {
        one.utf8.elementsEqual(other.utf8)
    }

    static func window<Row>(_ rows: some Sequence<Row>, _ page: Page) -> [Row] {
        Array(rows.dropFirst(page.skip).prefix(page.limit))
    }
}
