import PostgresClient

/// What the tables of a ledger say against each other: the same questions as of a ledger on SQLite.
///
/// None of these can come about by the program's own writes; a database with one of them was changed from
/// outside, or a guard is broken. Reads all purchases.
enum PostgresAudit {
    /// - Parameter each: Findings of one kind.
    /// - Returns: A sentence for each finding; empty for sound books.
    static func contradictions(
        on connection: PostgresConnection, within limit: Duration, each: Int = 3
    ) async throws -> [String] {
        var found: [String] = []
        for query in rules {
            let results = try await connection.run(
                [PostgresStatement(nil, query + " ORDER BY 1 LIMIT \(each)").with()], within: limit)
            found += try results.flatMap(\.rows).map { try $0.text(0) }
        }
        return found
    }

    /// Rows that refer to something that is not there. PostgreSQL refuses them, unless somebody turned that
    /// off.
    static func danglingRows(on connection: PostgresConnection, within limit: Duration) async throws -> Int {
        let query = references.map { table, column, target in
            """
            (SELECT count(*) FROM \(table) WHERE \(column) IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM \(target) WHERE \(target).id = \(table).\(column)))
            """
        }.joined(separator: " + ")
        let results = try await connection.run(
            [PostgresStatement(nil, "SELECT " + query).with()], within: limit)
        return try results.first?.rows.first?.int(0) ?? 0
    }

    private static let references = [
        ("stock_movements", "product_id", "products"), ("stock_movements", "actor_id", "users"),
        ("purchases", "user_id", "users"), ("purchases", "product_id", "products"),
        ("refused_purchases", "user_id", "users"),
    ]

    /// One row for each finding, with its text in the only column. That a reservation has one purchase is the
    /// unique column's to say.
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
            (SELECT product_id, sum(quantity) AS bought FROM purchases GROUP BY product_id) AS sums
            ON product_id = id
        WHERE sold <> coalesce(bought, 0)
        """,
        """
        SELECT 'product ' || id || ': ' || supplied || ' units supplied, and movements of '
            || coalesce(moved, 0)
        FROM products LEFT JOIN
            (SELECT product_id, sum(delta) AS moved FROM stock_movements GROUP BY product_id) AS sums
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
