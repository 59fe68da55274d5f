package import InventoryService
package import LockStrategies
import PostgresClient

extension PostgresLedger {
    static let productColumns = "id, name, description, price, supplied, sold, epoch, created_at"

    package func createProduct(
        _ product: NewProduct, actor: UserID, at time: Timestamp
    ) async throws(InventoryError) -> Product {
        let results = try await write(
            Self.insertProduct.with(
                .text(product.name), PostgresValue(product.description), PostgresValue(product.price),
                PostgresValue(product.initialStock), .text(time.description), .integer(actor.rawValue)))
        let id = try Self.value { try results.first?.rows.first?.number(0) }
        guard let id else { throw InventoryError(.ledgerUnavailable, "the ledger did not take this product") }
        return Product(
            id: ProductID(id), name: product.name, description: product.description, price: product.price,
            supplied: product.initialStock, sold: 0, epoch: StockEpoch(origin: origin, number: 1),
            createdAt: time)
    }

    private static let insertProduct = PostgresStatement(
        "insert_product",
        """
        WITH product AS (
            INSERT INTO products (name, description, price, supplied, sold, created_at)
            VALUES ($1, $2, $3::bigint, $4::bigint, 0, $5) RETURNING id
        ), movement AS (
            INSERT INTO stock_movements (product_id, delta, reason, actor_id, created_at)
            SELECT id, $4::bigint, 'initial stock', (SELECT id FROM users WHERE id = $6::bigint), $5 FROM product
        )
        SELECT id FROM product
        """)

    package func withdrawProduct(_ id: ProductID) async throws(InventoryError) -> Bool {
        do throws(InventoryError) {
            let results = try await write(Self.withdrawal.with(.integer(id.rawValue)))
            return results.first?.count == 1
        } catch {
            // A purchase came in between.
            guard (error.underlying as? PostgresError)?.sqlState == .foreignKeyViolation else { throw error }
            return false
        }
    }

    private static let withdrawal = PostgresStatement(
        "withdraw_product",
        """
        DELETE FROM products
        WHERE id = $1::bigint AND NOT EXISTS (SELECT 1 FROM purchases WHERE product_id = $1::bigint)
        """)

    package func product(_ id: ProductID) async throws(InventoryError) -> Product? {
        let rows = try await rows(
            PostgresStatement(
                "product",
                "SELECT \(Self.productColumns) FROM products WHERE id = $1::bigint AND deleted_at IS NULL"
            ).with(.integer(id.rawValue)))
        return try Self.value { try rows.first.map { try Self.product($0, self.origin) } }
    }

    package func products(_ page: Page) async throws(InventoryError) -> Listing<Product> {
        try await listing(
            PostgresStatement(
                "products",
                """
                SELECT \(Self.productColumns) FROM products WHERE deleted_at IS NULL AND id > $1::bigint
                ORDER BY id LIMIT $2::bigint OFFSET $3::bigint
                """
            ).with(.integer(page.after ?? 0), PostgresValue(page.limit), PostgresValue(page.skip)),
            total: PostgresStatement(
                "count_products", "SELECT count(*) FROM products WHERE deleted_at IS NULL"
            ).with()
        ) { try Self.product($0, self.origin) }
    }

    package func deleteProduct(_ id: ProductID, at time: Timestamp) async throws(InventoryError) -> Bool {
        // The epoch makes sales void that were reserved before.
        let results = try await write(
            PostgresStatement(
                "delete_product",
                """
                UPDATE products SET deleted_at = $1, epoch = epoch + 1
                WHERE id = $2::bigint AND deleted_at IS NULL
                """
            ).with(.text(time.description), .integer(id.rawValue)))
        return results.first?.count == 1
    }

    static func product(_ row: PostgresRow, _ origin: String) throws -> Product {
        Product(
            id: ProductID(try row.number(0)), name: try row.text(1), description: try row.optional(2),
            price: try row.int(3), supplied: try row.int(4), sold: try row.int(5),
            epoch: StockEpoch(origin: origin, number: try row.number(6)), createdAt: try timestamp(row, 7))
    }
}
