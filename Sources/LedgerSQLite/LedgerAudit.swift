import GRDB
import InventoryService

/// What the tables of a ledger say against each other: the invariants of sales that the ledger alone can
/// show.
///
/// None of these can come about by the program's own writes, each of which is one transaction; a file with
/// one of them was changed from outside, or a guard is broken. Reads all purchases.
enum LedgerAudit {
    /// - Parameter limit: Findings of one kind.
    /// - Returns: A sentence for each finding; empty for sound books.
    static func contradictions(in database: Database, limit: Int = 3) throws -> [String] {
        try rules.flatMap { query in
            try String.fetchAll(database, sql: query + " LIMIT ?", arguments: [limit])
        }
    }

    /// One row for each finding, with its text in the first column. That a reservation has one purchase is
    /// its unique column's to say, which `integrity_check` reads.
    private static let rules = [
        // I1. The schema refuses it too.
        """
        SELECT 'product ' || id || ': ' || sold || ' units sold of ' || supplied
        FROM products WHERE sold > supplied OR sold < 0
        """,
        """
        SELECT 'product ' || id || ': ' || sold || ' units sold, and purchases of '
            || coalesce(bought, 0)
        FROM products LEFT JOIN
            (SELECT product_id, sum(quantity) AS bought FROM purchases GROUP BY product_id)
            ON product_id = id
        WHERE sold <> coalesce(bought, 0)
        """,
        """
        SELECT 'product ' || id || ': ' || supplied || ' units supplied, and movements of '
            || coalesce(moved, 0)
        FROM products LEFT JOIN
            (SELECT product_id, sum(delta) AS moved FROM stock_movements GROUP BY product_id)
            ON product_id = id
        WHERE supplied <> coalesce(moved, 0)
        """,
        // I4.
        """
        SELECT 'user ' || user_id || ': ' || count(*) || ' purchases under one idempotency key'
        FROM purchases WHERE idempotency_key IS NOT NULL
        GROUP BY user_id, idempotency_key HAVING count(*) > 1
        """,
        // I6.
        """
        SELECT 'purchase ' || id || ': its user was told under the same key that it was refused'
        FROM purchases JOIN refused_purchases USING (user_id, idempotency_key)
        """,
        """
        SELECT 'purchase ' || id || ': its reservation had ended without a sale'
        FROM purchases JOIN ended_reservations USING (reservation_id)
        """,
    ]
}
