import GRDB
import LockStrategies

@testable import InventoryService
@testable import LedgerSQLite

/// A ledger with one user and one product of ten units, of which three were sold under the keys k1 to k3.
enum SmallLedger {
    static let user = UserID(1)
    static let product = ProductID(1)

    static func make(at path: String) async throws {
        let ledger = try await SQLiteLedger.open(path: path)
        try await fill(ledger)
        await ledger.close()
    }

    static func fill(_ ledger: any Ledger) async throws {
        _ = try await ledger.createUser(.sample("ann"))
        let new = try NewProduct(name: "thing", price: 300, initialStock: 10)
        _ = try await ledger.createProduct(new, actor: user, at: time(1))
        for number in 1...3 { try await sell(in: ledger, key: "k\(number)") }
    }

    static func sell(in ledger: any Ledger, key: String, at time: Timestamp = time(2)) async throws {
        let sale = Sale(
            reservation: ReservationID(random: .system), user: user, product: product, quantity: 1,
            idempotencyKey: try IdempotencyKey(key), strategy: "lua-atomic", fence: nil, purchasedAt: time)
        guard case .recorded = try await ledger.record(sale) else { throw ShopError.noBuyer }
    }

    /// Seconds after a day in November 2027.
    static func time(_ seconds: Int64) -> Timestamp {
        Timestamp(microseconds: (1_826_000_000 + seconds) * 1_000_000)
    }

    /// What a person with the `sqlite3` command could do to a file.
    static func change(_ path: String, _ statements: String) async throws {
        let queue = try DatabaseQueue(path: path)
        try await queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0")
            try database.execute(sql: statements)
        }
        try queue.close()
    }

    /// The first column of the first row.
    static func value(_ path: String, _ query: String) async throws -> String? {
        let queue = try DatabaseQueue(path: path)
        let value = try await queue.read { try String.fetchOne($0, sql: query) }
        try queue.close()
        return value
    }
}
