import GRDB
public import InventoryService
public import LockStrategies

extension SQLiteLedger {
    public func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome {
        try await writer.submit(sale)
    }

    public func unitsBought(by user: UserID, of product: ProductID) async throws(InventoryError) -> Int {
        try await read { try Self.unitsBought(by: user, of: product, in: $0) }
    }

    static func unitsBought(
        by user: UserID, of product: ProductID, in database: Database
    ) throws -> Int {
        try Int.fetchOne(
            database.cachedStatement(
                sql: "SELECT coalesce(sum(quantity), 0) FROM purchases WHERE user_id = ? AND product_id = ?"),
            arguments: [user.rawValue, product.rawValue]) ?? 0
    }

    /// Makes the sums that a limit for each user asks for quick: without it they read all purchases of the
    /// user.
    ///
    /// Only where such a limit is set, because every purchase pays for an index.
    public func indexPurchasesByUserAndProduct() async throws(InventoryError) {
        try await writer.submit { database in
            try database.execute(
                sql: """
                    CREATE INDEX IF NOT EXISTS purchases_by_user_and_product
                    ON purchases (user_id, product_id, quantity)
                    """)
        }
    }

    public func highestFence(of product: ProductID) async throws(InventoryError) -> Fence? {
        try await read { database in
            try Int64.fetchOne(
                database, sql: "SELECT max(fence) FROM purchases WHERE product_id = ?",
                arguments: [product.rawValue]
            ).map { Fence($0) }
        }
    }

    public func answer(
        to user: UserID, under key: IdempotencyKey
    ) async throws(InventoryError) -> StoredAnswer? {
        try await read { database in
            if let purchase = try Self.purchase(of: user, under: key, in: database) {
                return .purchase(purchase)
            }
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT * FROM refused_purchases WHERE user_id = ? AND idempotency_key = ?"),
                arguments: [user.rawValue, key.description])
            guard let row, let outcome = PurchaseRefusal.Outcome(rawValue: row["outcome"]) else { return nil }
            return .refusal(
                PurchaseRefusal(
                    user: user, key: key, product: ProductID(row["product_id"]), quantity: row["quantity"],
                    outcome: outcome, refusedAt: try Self.timestamp(row, "refused_at")))
        }
    }

    public func record(_ refusal: PurchaseRefusal) async throws(InventoryError) {
        try await writer.submit { database in
            do {
                try database.cachedStatement(
                    sql: """
                        INSERT INTO refused_purchases (user_id, idempotency_key, product_id, quantity, outcome,
                            refused_at)
                        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                        """
                ).execute(arguments: [
                    refusal.user.rawValue, refusal.key.description, refusal.product.rawValue,
                    refusal.quantity, refusal.outcome.rawValue, refusal.refusedAt.description,
                ])
                // Whoever makes up a new key for each request fills no disk.
                try database.cachedStatement(
                    sql: """
                        DELETE FROM refused_purchases WHERE user_id = ?1 AND refused_at < (
                            SELECT refused_at FROM refused_purchases WHERE user_id = ?1
                            ORDER BY refused_at DESC LIMIT 1 OFFSET ?2)
                        """
                ).execute(arguments: [refusal.user.rawValue, PurchaseRefusal.mostKept - 1])
            } catch let error as DatabaseError
                where error.extendedResultCode == .SQLITE_CONSTRAINT_FOREIGNKEY
            {
                throw InventoryError(.unknownUser, "this user does not exist any more", underlying: error)
            }
        }
    }

    static func purchase(
        of user: UserID, under key: IdempotencyKey, in database: Database
    ) throws -> Purchase? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT * FROM purchases WHERE user_id = ? AND idempotency_key = ?"),
            arguments: [user.rawValue, key.description]
        ).map(purchase)
    }

    public func purchases(of user: UserID, _ page: Page) async throws(InventoryError) -> Listing<Purchase> {
        try await read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT * FROM purchases WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ? OFFSET ?",
                arguments: [user.rawValue, page.after ?? .max, page.limit, page.skip])
            let total = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM purchases WHERE user_id = ?", arguments: [user.rawValue])
            return Listing(items: try rows.map(Self.purchase), total: total ?? 0)
        }
    }

    static func purchase(_ row: Row) throws -> Purchase {
        Purchase(
            id: PurchaseID(row["id"]), user: UserID(row["user_id"]), product: .init(row["product_id"]),
            quantity: row["quantity"], totalPrice: row["total_price"],
            purchasedAt: try timestamp(row, "purchased_at"))
    }
}
