import GRDB
public import LockStrategies

extension SQLiteLedger {
    public func record(_ sale: Sale) async throws(InventoryError) -> RecordOutcome {
        try await writer.submit { try Self.record(sale, in: $0) }
    }

    private static func record(_ sale: Sale, in database: Database) throws -> RecordOutcome {
        if let key = sale.idempotencyKey, let earlier = try purchase(of: sale.user, under: key, in: database)
        {
            return .alreadyRecorded(earlier)
        }
        let product = sale.product.rawValue
        let price = try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    UPDATE products SET sold = sold + ?1 WHERE id = ?2 AND sold + ?1 <= supplied
                    RETURNING price
                    """),
            arguments: [sale.quantity, product])
        guard let price else {
            let isKnown = try exists("SELECT 1 FROM products WHERE id = ?", [product], in: database)
            return isKnown ? .oversellRefused : .productNotFound
        }
        let total = price * sale.quantity
        do {
            try database.cachedStatement(
                sql: """
                    INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id,
                        idempotency_key, strategy, fence, purchased_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                sale.user.rawValue, product, sale.quantity, total, sale.reservation.description,
                sale.idempotencyKey?.description, sale.strategy, sale.fence?.rawValue,
                sale.purchasedAt.description,
            ])
        } catch let error as DatabaseError
            where error.extendedResultCode == .SQLITE_CONSTRAINT_FOREIGNKEY
        {
            // The product's row was just changed, so the user is what is missing.
            throw InventoryError(.unknownUser, "this user does not exist any more", underlying: error)
        }
        return .recorded(
            Purchase(
                id: PurchaseID(database.lastInsertedRowID), user: sale.user, product: sale.product,
                quantity: sale.quantity, totalPrice: total, purchasedAt: sale.purchasedAt))
    }

    public func highestFence(of product: ProductID) async throws(InventoryError) -> Fence? {
        try await read { database in
            try Int64.fetchOne(
                database, sql: "SELECT max(fence) FROM purchases WHERE product_id = ?",
                arguments: [product.rawValue]
            ).map { Fence($0) }
        }
    }

    public func purchase(
        of user: UserID, under key: IdempotencyKey
    ) async throws(InventoryError) -> Purchase? {
        try await read { try Self.purchase(of: user, under: key, in: $0) }
    }

    private static func purchase(
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
                database, sql: "SELECT * FROM purchases WHERE user_id = ? ORDER BY id DESC LIMIT ? OFFSET ?",
                arguments: [user.rawValue, page.limit, page.skip])
            let total = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM purchases WHERE user_id = ?", arguments: [user.rawValue])
            return Listing(items: try rows.map(Self.purchase), total: total ?? 0)
        }
    }

    private static func purchase(_ row: Row) throws -> Purchase {
        Purchase(
            id: PurchaseID(row["id"]), user: UserID(row["user_id"]), product: .init(row["product_id"]),
            quantity: row["quantity"], totalPrice: row["total_price"],
            purchasedAt: try timestamp(row, "purchased_at"))
    }
}
