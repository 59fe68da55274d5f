import Foundation
import GRDB

/// Reads the ledger of a stopped server with SQL of our own.
enum LedgerReader {
    struct Reading: Sendable {
        var ledger: AuditFacts.Ledger
        /// Ids of the reservations that became purchases.
        var reservations: Set<String>
        var sqliteVersion: String
        var journalMode: String
    }

    /// - Returns: nil when the file is not there or does not have the tables.
    static func read(_ path: String, product: Int64) -> Reading? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var configuration = Configuration()
        configuration.readonly = true
        return try? DatabaseQueue(path: path, configuration: configuration).read { database in
            guard
                let sums = try Row.fetchOne(
                    database, sql: "SELECT supplied, sold FROM products WHERE id = ?", arguments: [product])
            else { return nil }
            let rows = try Row.fetchAll(
                database, sql: "SELECT reservation_id, quantity FROM purchases WHERE product_id = ?",
                arguments: [product])
            let units: [Int] = rows.map { $0["quantity"] }
            let ids: [String] = rows.map { $0["reservation_id"] }
            let known = Set(ids)
            return Reading(
                ledger: AuditFacts.Ledger(
                    rows: rows.count, units: units.reduce(0, +), duplicates: ids.count - known.count,
                    supplied: sums["supplied"], sold: sums["sold"]),
                reservations: known,
                sqliteVersion: try String.fetchOne(database, sql: "SELECT sqlite_version()") ?? "-",
                journalMode: try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "-")
        }
    }
}
