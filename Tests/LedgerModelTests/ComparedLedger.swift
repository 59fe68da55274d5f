import GRDB
import InventoryService
import PostgresClient

@testable import LedgerPostgres
@testable import LedgerSQLite

/// A ledger on an engine, and what a comparison does with it beside the calls of the protocol.
protocol ComparedLedger: Ledger {
    /// Forgets all rows, and which numbers were given.
    func empty() async throws

    /// The rows that no call of the protocol tells, one text each.
    func hiddenRows() async throws -> [String]
}

/// In an order in which none refers to a row that is gone.
private let tables = [
    "refused_purchases", "purchases", "stock_movements", "ended_reservations", "stock_servers", "products",
    "users",
]

/// In words that both engines understand.
private let hiddenRowsQuery = """
    SELECT reservation_id || ' ended ' || ended_at FROM ended_reservations
    UNION ALL
    SELECT user_id || ' ' || idempotency_key || ' refused ' || refused_at
    FROM refused_purchases
    UNION ALL
    SELECT product_id || ' moved ' || delta || ' ' || coalesce(reservation_id, '') || ' '
        || coalesce(CAST(actor_id AS TEXT), '') || ' ' || created_at || ' ' || reason FROM stock_movements
    UNION ALL
    SELECT id || ' bought ' || reservation_id || ' ' || coalesce(idempotency_key, '') || ' '
        || coalesce(CAST(fence AS TEXT), '') || ' ' || strategy FROM purchases
    """

extension SQLiteLedger: ComparedLedger {
    func empty() async throws {
        try await writer.submit { database in
            for table in tables + ["sqlite_sequence"] { try database.execute(sql: "DELETE FROM \(table)") }
        }
    }

    func hiddenRows() async throws -> [String] {
        try await read { try String.fetchAll($0, sql: hiddenRowsQuery) }
    }
}

extension PostgresLedger: ComparedLedger {
    func empty() async throws {
        let numbered = ["users", "products", "stock_movements", "purchases"]
        let texts =
            tables.map { "DELETE FROM \($0)" }
            + numbered.map { "SELECT setval(pg_get_serial_sequence('\($0)', 'id'), 1, false)" }
        let commands = texts.map { PostgresStatement(nil, $0).with() }
        _ = try await pool.withConnection { try await $0.run(commands, within: .seconds(10)) }
    }

    func hiddenRows() async throws -> [String] {
        let rows = try await rows(PostgresStatement(nil, hiddenRowsQuery).with())
        return try rows.map { try $0.text(0) }
    }
}
