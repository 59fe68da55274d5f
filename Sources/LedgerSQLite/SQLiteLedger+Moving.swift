import Foundation
import GRDB
package import InventoryService

/// What a move to another engine needs of a ledger on SQLite.
extension SQLiteLedger {
    /// A column that is read.
    package struct Column: Sendable, Hashable {
        package let name: String
        package let isNumber: Bool

        package init(_ name: String, isNumber: Bool) {
            self.name = name
            self.isNumber = isNumber
        }
    }

    /// Rows of a table as texts, in the order of its first columns, exactly as they stand in the file.
    ///
    /// - Parameters:
    ///   - keys: How many of the columns the rows are told apart by.
    ///   - last: The key of the row before the first one.
    /// - Throws: ``InventoryError`` with a sentence that names the row, for a text that PostgreSQL cannot
    ///   keep.
    package func rows(
        of table: String, _ columns: [Column], keys: Int, after last: [String?]?, limit: Int
    ) async throws(InventoryError) -> [[String?]] {
        let order = columns.prefix(keys).map(\.name).joined(separator: ", ")
        // Text as bytes: as a text it would end at U+0000, without a word.
        let values = columns.map { $0.isNumber ? $0.name : "CAST(\($0.name) AS BLOB)" }
        let places = columns.prefix(keys).map { $0.isNumber ? "CAST(? AS INTEGER)" : "?" }
        let condition = last == nil ? "" : "WHERE (\(order)) > (\(places.joined(separator: ", ")))"
        let query =
            "SELECT \(values.joined(separator: ", ")) FROM \(table) \(condition) ORDER BY \(order) LIMIT ?"
        return try await read { database in
            let arguments = StatementArguments(
                (last ?? []).map { $0?.databaseValue ?? .null } + [limit.databaseValue])
            return try Row.fetchAll(database, sql: query, arguments: arguments).map { row in
                try columns.enumerated().map { place, column in
                    if column.isNumber { return (row[place] as Int64?).map(String.init) }
                    guard let bytes = row[place] as Data? else { return nil }
                    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
                        let key: String = columns[0].isNumber ? "\(row[0] as Int64? ?? 0)" : "?"
                        throw InventoryError(
                            .databaseUnusable,
                            "the row \(key) of \(table) has a text in \(column.name) that PostgreSQL cannot keep "
                                + "(it holds U+0000 or is no UTF-8); change that row, and run this again")
                    }
                    return text
                }
            }
        }
    }

    /// How many rows a table has.
    package func count(_ table: String) async throws(InventoryError) -> Int {
        try await read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    /// The greatest number that a row of a table ever got; 0 where there was none.
    package func lastNumber(of table: String) async throws(InventoryError) -> Int64 {
        try await read {
            try Int64.fetchOne($0, sql: "SELECT seq FROM sqlite_sequence WHERE name = ?", arguments: [table])
                ?? 0
        }
    }

    // MARK: - A ledger that has gone

    static let movedTable = "ledger_moved"

    /// Notes durably that the ledger is kept elsewhere from now on: no server opens this file any more.
    package func noteMove(to place: String, at time: Timestamp) async throws(InventoryError) {
        try await writer.submit { database in
            try database.execute(
                sql:
                    "CREATE TABLE IF NOT EXISTS \(Self.movedTable) (place TEXT NOT NULL, moved_at TEXT NOT NULL) STRICT"
            )
            try database.execute(sql: "DELETE FROM \(Self.movedTable)")
            try database.execute(
                sql: "INSERT INTO \(Self.movedTable) VALUES (?, ?)", arguments: [place, time.description])
        }
    }

    /// Where the ledger is kept now; nil while it is here.
    static func movedTo(_ database: Database) throws -> String? {
        guard try database.tableExists(movedTable) else { return nil }
        return try String.fetchOne(database, sql: "SELECT place || ' at ' || moved_at FROM \(movedTable)")
    }

    static func refusal(ofMovedTo place: String, at path: String) -> InventoryError {
        InventoryError(
            .databaseUnusable,
            "the ledger \(path) was moved to PostgreSQL, to \(place): give that as --database, or the same units "
                + "are sold twice; to go back for good, drop its table \(movedTable) with sqlite3")
    }
}
