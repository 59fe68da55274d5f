package import InventoryService
package import LockStrategies
import PostgresClient

extension PostgresLedger {
    package func changeUser(
        _ id: UserID, _ changes: [UserChange], at time: Timestamp
    ) async throws(InventoryError) -> User? {
        try await transaction { connection in
            let commands = changes.map { Self.command($0, id, time) }
            let select = PostgresStatement(
                "user_by_id", "SELECT \(Self.userColumns) FROM users WHERE id = $1::bigint"
            ).with(.integer(id.rawValue))
            let notice = changes.contains(where: \.endsTokens) ? [Self.noteChange] : []
            let results = try await connection.run(
                [.begin] + commands + notice + [select], within: self.limit)
            return try results.last?.rows.first.map(Self.user)
        }
    }

    /// The other servers forget what they know of users when this number has risen.
    private static let noteChange = PostgresStatement(
        "note_user_change", "UPDATE user_changes SET number = number + 1"
    ).with()

    private static func command(_ change: UserChange, _ id: UserID, _ time: Timestamp) -> PostgresCommand {
        func update(_ name: String, _ assignment: String, _ value: String?) -> PostgresCommand {
            PostgresStatement(
                "change_user_" + name,
                """
                UPDATE users SET \(assignment), token_version = token_version + 1, updated_at = $2
                WHERE id = $3::bigint
                """
            ).with(PostgresValue(value), .text(time.description), .integer(id.rawValue))
        }
        return switch change {
        case .password(let hash): update("password", "hashed_password = $1", hash.stored)
        case .role(let role): update("role", "role = $1", role.rawValue)
        case .disabled(true):
            update("disable", "disabled_at = coalesce(disabled_at, $1)", time.description)
        case .disabled(false): update("enable", "disabled_at = $1", nil)
        case .signedOut: update("sign_out", "role = coalesce($1, role)", nil)
        case .rehashed(let hash, let old):
            PostgresStatement(
                "rehash",
                """
                UPDATE users SET hashed_password = $1 WHERE id = $2::bigint AND hashed_password = $3
                """
            ).with(.text(hash.stored), .integer(id.rawValue), .text(old.stored))
        }
    }

    package func users(_ page: Page) async throws(InventoryError) -> Listing<User> {
        try await listing(
            PostgresStatement(
                "users",
                """
                SELECT \(Self.userColumns) FROM users WHERE id > $1::bigint
                ORDER BY id LIMIT $2::bigint OFFSET $3::bigint
                """
            ).with(.integer(page.after ?? 0), PostgresValue(page.limit), PostgresValue(page.skip)),
            total: PostgresStatement("count_users", "SELECT count(*) FROM users").with(), Self.user)
    }

    /// A page and the number of all, as of one moment.
    func listing<Item: Sendable>(
        _ items: PostgresCommand, total: PostgresCommand, _ read: (PostgresRow) throws -> Item
    ) async throws(InventoryError) -> Listing<Item> {
        let snapshot = PostgresStatement(nil, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        let results = try await self.read { connection in
            try await connection.run([snapshot.with(), items, total, .commit], within: self.limit)
        }
        return try Self.value {
            Listing(
                items: try results[1].rows.map(read), total: try results[2].rows.first?.int(0) ?? 0)
        }
    }

    package func changeProduct(
        _ id: ProductID, _ change: ProductChange
    ) async throws(InventoryError) -> Product? {
        var description: String?
        if case .some(let changed) = change.description { description = changed }
        let results = try await write(
            Self.updateProduct.with(
                .integer(id.rawValue), PostgresValue(change.name), .flag(change.description != nil),
                PostgresValue(description), change.price.map { PostgresValue($0) } ?? .null))
        return try Self.value { try results.first?.rows.first.map { try Self.product($0, self.origin) } }
    }

    private static let updateProduct = PostgresStatement(
        "change_product",
        """
        UPDATE products SET name = coalesce($2, name),
            description = CASE WHEN $3::boolean THEN $4 ELSE description END,
            price = coalesce($5::bigint, price)
        WHERE id = $1::bigint AND deleted_at IS NULL
        RETURNING \(productColumns)
        """)

    package func purchases(
        matching filter: PurchaseFilter, _ page: Page
    ) async throws(InventoryError) -> Listing<Purchase> {
        // Without a name they are planned for their values: what is NULL asks for nothing.
        let place = """
            ($1::bigint IS NULL OR user_id = $1::bigint) AND ($2::bigint IS NULL OR product_id = $2::bigint)
            AND ($3::text IS NULL OR purchased_at >= $3::text) AND ($4::text IS NULL OR purchased_at < $4::text)
            """
        let values = [
            PostgresValue(filter.user?.rawValue), PostgresValue(filter.product?.rawValue),
            PostgresValue(filter.from?.description), PostgresValue(filter.until?.description),
        ]
        return try await listing(
            PostgresStatement(
                nil,
                """
                SELECT \(Self.purchaseColumns) FROM purchases WHERE \(place) AND id < $5::bigint
                ORDER BY id DESC LIMIT $6::bigint OFFSET $7::bigint
                """
            ).with(
                values + [
                    .integer(page.after ?? .max), PostgresValue(page.limit), PostgresValue(page.skip),
                ]),
            total: PostgresStatement(nil, "SELECT count(*) FROM purchases WHERE \(place)").with(values),
            Self.purchase)
    }
}
