import Foundation
import GRDB

/// The purchases of one product in a ledger on SQLite, by SQL of the auditor's own.
struct LedgerRows: Sendable {
    /// The quantities of a key's rows.
    var ofKey: [String: [Int]]
    var withoutKey: Int
    var units: Int
    /// Units of sales that the ledger refused because none was left.
    var refused: Int
    var supplied: Int
    var sold: Int

    /// Nil when the file cannot be read.
    static func read(_ path: String, product: Int64) -> LedgerRows? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        return try? DatabaseQueue(path: path, configuration: configuration).read { database in
            var rows = LedgerRows(ofKey: [:], withoutKey: 0, units: 0, refused: 0, supplied: 0, sold: 0)
            let purchases = try Row.fetchAll(
                database,
                sql: "SELECT idempotency_key, quantity FROM purchases WHERE product_id = ?",
                arguments: [product])
            for purchase in purchases {
                rows.units += purchase["quantity"]
                if let key: String = purchase["idempotency_key"] {
                    rows.ofKey[key, default: []].append(purchase["quantity"])
                } else {
                    rows.withoutKey += 1
                }
            }
            rows.refused =
                try Int.fetchOne(
                    database,
                    sql:
                        "SELECT coalesce(sum(quantity), 0) FROM refused_purchases WHERE product_id = ? AND outcome = 'oversell-refused'",
                    arguments: [product]) ?? 0
            // A ledger that has lost the product has sold nothing of it.
            if let sums = try Row.fetchOne(
                database, sql: "SELECT supplied, sold FROM products WHERE id = ?", arguments: [product])
            {
                rows.supplied = sums["supplied"]
                rows.sold = sums["sold"]
            }
            return rows
        }
    }
}
