import GRDB
public import InventoryService
public import LockStrategies

extension SQLiteLedger {
    public func createProduct(
        _ product: NewProduct, actor: UserID, at time: Timestamp
    ) async throws(InventoryError) -> Product {
        try await writer.submit { [origin] database in
            try database.execute(
                sql: """
                    INSERT INTO products (name, description, price, supplied, sold, created_at)
                    VALUES (?, ?, ?, ?, 0, ?)
                    """,
                arguments: [
                    WholeText(product.name), product.description.map(WholeText.init), product.price,
                    product.initialStock, time.description,
                ])
            let id = ProductID(database.lastInsertedRowID)
            try database.execute(
                sql: """
                    INSERT INTO stock_movements (product_id, delta, reason, actor_id, created_at)
                    VALUES (?, ?, 'initial stock', (SELECT id FROM users WHERE id = ?), ?)
                    """,
                arguments: [id.rawValue, product.initialStock, actor.rawValue, time.description])
            return Product(
                id: id, name: product.name, description: product.description, price: product.price,
                supplied: product.initialStock, sold: 0, epoch: StockEpoch(origin: origin, number: 1),
                createdAt: time)
        }
    }

    public func withdrawProduct(_ id: ProductID) async throws(InventoryError) -> Bool {
        try await writer.submit { database in
            try database.execute(
                sql: """
                    DELETE FROM products
                    WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM purchases WHERE product_id = ?1)
                    """,
                arguments: [id.rawValue])
            return database.changesCount == 1
        }
    }

    public func product(_ id: ProductID) async throws(InventoryError) -> Product? {
        try await read { [origin] database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM products WHERE id = ? AND deleted_at IS NULL",
                arguments: [id.rawValue]
            ).map { try Self.product($0, origin) }
        }
    }

    public func products(_ page: Page) async throws(InventoryError) -> Listing<Product> {
        try await read { [origin] database in
            let rows = try Row.fetchAll(
                database,
                sql:
                    "SELECT * FROM products WHERE deleted_at IS NULL AND id > ? ORDER BY id LIMIT ? OFFSET ?",
                arguments: [page.after ?? 0, page.limit, page.skip])
            let total = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM products WHERE deleted_at IS NULL")
            return Listing(items: try rows.map { try Self.product($0, origin) }, total: total ?? 0)
        }
    }

    public func deleteProduct(_ id: ProductID, at time: Timestamp) async throws(InventoryError) -> Bool {
        try await writer.submit { database in
            // The epoch makes sales void that were reserved before.
            try database.execute(
                sql: """
                    UPDATE products SET deleted_at = ?, epoch = epoch + 1 WHERE id = ? AND deleted_at IS NULL
                    """,
                arguments: [time.description, id.rawValue])
            return database.changesCount == 1
        }
    }

    static func product(_ row: Row, _ origin: String) throws -> Product {
        Product(
            id: ProductID(row["id"]), name: row["name"], description: row["description"], price: row["price"],
            supplied: row["supplied"], sold: row["sold"],
            epoch: StockEpoch(origin: origin, number: row["epoch"]),
            createdAt: try timestamp(row, "created_at"))
    }
}
