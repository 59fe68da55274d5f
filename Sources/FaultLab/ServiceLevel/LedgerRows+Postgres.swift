import PostgresClient

/// The same from a ledger on PostgreSQL.
extension LedgerRows {
    /// - Parameter url: With its password.
    static func read(postgres url: String, product: Int64) async -> LedgerRows? {
        guard let endpoint = try? PostgresEndpoint(parsing: url) else { return nil }
        let pool = PostgresPool(endpoint, .init(connections: 1, answer: .seconds(60)))
        defer { pool.close() }
        return try? await read(product, pool)
    }

    private static func read(_ product: Int64, _ pool: PostgresPool) async throws -> LedgerRows {
        let value = PostgresValue.integer(product)
        let results = try await pool.run(
            PostgresStatement(
                nil, "SELECT idempotency_key, quantity FROM purchases WHERE product_id = $1::bigint"
            ).with(value),
            PostgresStatement(
                nil,
                """
                SELECT coalesce(sum(quantity), 0) FROM refused_purchases
                WHERE product_id = $1::bigint AND outcome = 'oversell-refused'
                """
            ).with(value),
            PostgresStatement(nil, "SELECT supplied, sold FROM products WHERE id = $1::bigint").with(value))
        var rows = LedgerRows(
            ofKey: [:], withoutKey: 0, units: 0, refused: try results[1].rows[0].int(0), supplied: 0, sold: 0)
        for purchase in results[0].rows {
            let quantity = try purchase.int(1)
            rows.units += quantity
            if let key = try purchase.optional(0) {
                rows.ofKey[key, default: []].append(quantity)
            } else {
                rows.withoutKey += 1
            }
        }
        // A ledger that has lost the product has sold nothing of it.
        if let sums = results[2].rows.first {
            (rows.supplied, rows.sold) = (try sums.int(0), try sums.int(1))
        }
        return rows
    }
}
