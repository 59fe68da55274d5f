package import InventoryService
package import LockStrategies
import PostgresClient

extension PostgresLedger {
    static let purchaseColumns = "id, user_id, product_id, quantity, total_price, purchased_at"

    package func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome {
        try await sales.record(sale)
    }

    package func unitsBought(by user: UserID, of product: ProductID) async throws(InventoryError) -> Int {
        let rows = try await rows(
            PostgresStatement(
                "units_bought",
                """
                SELECT coalesce(sum(quantity), 0) FROM purchases
                WHERE user_id = $1::bigint AND product_id = $2::bigint
                """
            ).with(.integer(user.rawValue), .integer(product.rawValue)))
        return try Self.value { try rows.first?.int(0) ?? 0 }
    }

    /// Makes the sums that a limit for each user asks for quick. Only where such a limit is set, because
    /// every purchase pays for an index. Sales wait while a large ledger is indexed.
    package func indexPurchasesByUserAndProduct() async throws(InventoryError) {
        let limit = Duration.seconds(3600)
        try await transaction { connection in
            _ = try await connection.run(
                [
                    .begin, LedgerLock.migrations.exclusive,
                    PostgresStatement(nil, "SET LOCAL statement_timeout = 0").with(),
                    PostgresStatement(
                        nil,
                        """
                        CREATE INDEX IF NOT EXISTS purchases_by_user_and_product
                        ON purchases (user_id, product_id, quantity)
                        """
                    ).with(),
                ], within: limit)
        }
    }

    package func highestFence(of product: ProductID) async throws(InventoryError) -> Fence? {
        let rows = try await rows(
            PostgresStatement(
                "highest_fence", "SELECT max(fence) FROM purchases WHERE product_id = $1::bigint"
            )
            .with(.integer(product.rawValue)))
        return try Self.value { try rows.first?.optionalNumber(0).map { Fence($0) } }
    }

    package func answer(
        to user: UserID, under key: IdempotencyKey
    ) async throws(InventoryError) -> StoredAnswer? {
        let values = [PostgresValue.integer(user.rawValue), .text(key.description)]
        let results = try await read { connection in
            try await connection.run(
                [Self.purchaseUnderKey.with(values), Self.refusalUnderKey.with(values)], within: self.limit)
        }
        return try Self.value {
            if let row = results[0].rows.first { return .purchase(try Self.purchase(row)) }
            guard let row = results[1].rows.first,
                let outcome = PurchaseRefusal.Outcome(rawValue: try row.text(2))
            else { return nil }
            return .refusal(
                PurchaseRefusal(
                    user: user, key: key, product: ProductID(try row.number(0)), quantity: try row.int(1),
                    outcome: outcome, refusedAt: try Self.timestamp(row, 3)))
        }
    }

    private static let purchaseUnderKey = PostgresStatement(
        "purchase_under_key",
        "SELECT \(purchaseColumns) FROM purchases WHERE user_id = $1::bigint AND idempotency_key = $2")

    private static let refusalUnderKey = PostgresStatement(
        "refusal_under_key",
        """
        SELECT product_id, quantity, outcome, refused_at FROM refused_purchases
        WHERE user_id = $1::bigint AND idempotency_key = $2
        """)

    package func record(_ refusal: PurchaseRefusal) async throws(InventoryError) {
        do throws(InventoryError) {
            // Whoever makes up a new key for each request fills no disk.
            _ = try await write(
                Self.insertRefusal.with(
                    .integer(refusal.user.rawValue), .text(refusal.key.description),
                    .integer(refusal.product.rawValue), PostgresValue(refusal.quantity),
                    .text(refusal.outcome.rawValue), .text(refusal.refusedAt.description)),
                Self.deleteOldRefusals.with(
                    .integer(refusal.user.rawValue), PostgresValue(PurchaseRefusal.mostKept - 1)))
        } catch {
            guard (error.underlying as? PostgresError)?.sqlState == .foreignKeyViolation else { throw error }
            throw InventoryError(
                .unknownUser, "this user does not exist any more", underlying: error.underlying)
        }
    }

    private static let insertRefusal = PostgresStatement(
        "insert_refusal",
        """
        INSERT INTO refused_purchases (user_id, idempotency_key, product_id, quantity, outcome, refused_at)
        VALUES ($1::bigint, $2, $3::bigint, $4::bigint, $5, $6) ON CONFLICT DO NOTHING
        """)

    private static let deleteOldRefusals = PostgresStatement(
        "delete_old_refusals",
        """
        DELETE FROM refused_purchases WHERE user_id = $1::bigint AND refused_at < (
            SELECT refused_at FROM refused_purchases WHERE user_id = $1::bigint
            ORDER BY refused_at DESC LIMIT 1 OFFSET $2::bigint)
        """)

    package func purchases(of user: UserID, _ page: Page) async throws(InventoryError) -> Listing<Purchase> {
        try await listing(
            PostgresStatement(
                "purchases_of_user",
                """
                SELECT \(Self.purchaseColumns) FROM purchases WHERE user_id = $1::bigint AND id < $2::bigint
                ORDER BY id DESC LIMIT $3::bigint OFFSET $4::bigint
                """
            ).with(
                .integer(user.rawValue), .integer(page.after ?? .max), PostgresValue(page.limit),
                PostgresValue(page.skip)),
            total: PostgresStatement(
                "count_purchases_of_user", "SELECT count(*) FROM purchases WHERE user_id = $1::bigint"
            ).with(.integer(user.rawValue)), Self.purchase)
    }

    static func purchase(_ row: PostgresRow) throws -> Purchase {
        Purchase(
            id: PurchaseID(try row.number(0)), user: UserID(try row.number(1)),
            product: ProductID(try row.number(2)), quantity: try row.int(3), totalPrice: try row.int(4),
            purchasedAt: try timestamp(row, 5))
    }
}
