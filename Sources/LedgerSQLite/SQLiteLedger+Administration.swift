import GRDB
public import InventoryService
public import LockStrategies

extension SQLiteLedger {
    public func standing(of id: UserID) async throws(InventoryError) -> UserStanding? {
        try await read { database in
            try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT role, token_version, disabled_at FROM users WHERE id = ?"),
                arguments: [id.rawValue]
            ).map(Self.standing)
        }
    }

    public func changeUser(
        _ id: UserID, _ changes: [UserChange], at time: Timestamp
    ) async throws(InventoryError) -> User? {
        try await writer.submit { database in
            for change in changes { try Self.apply(change, to: id, at: time, in: database) }
            return try Row.fetchOne(
                database, sql: "SELECT * FROM users WHERE id = ?", arguments: [id.rawValue]
            ).map(Self.user)
        }
    }

    private static func apply(
        _ change: UserChange, to id: UserID, at time: Timestamp, in database: Database
    ) throws {
        func update(_ assignment: String, _ value: (any DatabaseValueConvertible)?) throws {
            try database.execute(
                sql: """
                    UPDATE users SET \(assignment), token_version = token_version + 1, updated_at = ?
                    WHERE id = ?
                    """,
                arguments: [value, time.description, id.rawValue])
        }
        switch change {
        case .password(let hash): try update("hashed_password = ?", hash.stored)
        case .role(let role): try update("role = ?", role.rawValue)
        case .disabled(true): try update("disabled_at = coalesce(disabled_at, ?)", time.description)
        case .disabled(false): try update("disabled_at = ?", nil)
        case .signedOut: try update("role = coalesce(?, role)", nil)
        case .rehashed(let hash, let old):
            try database.execute(
                sql: "UPDATE users SET hashed_password = ? WHERE id = ? AND hashed_password = ?",
                arguments: [hash.stored, id.rawValue, old.stored])
        }
    }

    public func users(_ page: Page) async throws(InventoryError) -> Listing<User> {
        try await read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ? OFFSET ?",
                arguments: [page.after ?? 0, page.limit, page.skip])
            let total = try Int.fetchOne(database, sql: "SELECT count(*) FROM users") ?? 0
            return Listing(items: try rows.map(Self.user), total: total)
        }
    }

    public func changeProduct(
        _ id: ProductID, _ change: ProductChange
    ) async throws(InventoryError) -> Product? {
        try await writer.submit { [origin] database in
            let found = try Row.fetchOne(
                database, sql: "SELECT * FROM products WHERE id = ? AND deleted_at IS NULL",
                arguments: [id.rawValue])
            guard let before = try found.map({ try Self.product($0, origin) }) else { return nil }
            try database.execute(
                sql: "UPDATE products SET name = ?, description = ?, price = ? WHERE id = ?",
                arguments: [
                    WholeText(change.name ?? before.name),
                    (change.description ?? before.description).map(WholeText.init),
                    change.price ?? before.price, id.rawValue,
                ])
            return try Row.fetchOne(
                database, sql: "SELECT * FROM products WHERE id = ?", arguments: [id.rawValue]
            ).map { try Self.product($0, origin) }
        }
    }

    public func purchases(
        matching filter: PurchaseFilter, _ page: Page
    ) async throws(InventoryError) -> Listing<Purchase> {
        var conditions: [String] = []
        var values: [any DatabaseValueConvertible & Sendable] = []
        func restrict(_ condition: String, _ value: (any DatabaseValueConvertible & Sendable)?) {
            guard let value else { return }
            conditions.append(condition)
            values.append(value)
        }
        restrict("user_id = ?", filter.user?.rawValue)
        restrict("product_id = ?", filter.product?.rawValue)
        // Stored times are texts that sort as the times do.
        restrict("purchased_at >= ?", filter.from?.description)
        restrict("purchased_at < ?", filter.until?.description)
        let place = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        let arguments = values
        return try await read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM purchases \(place.isEmpty ? "WHERE" : place + " AND") id < ?
                    ORDER BY id DESC LIMIT ? OFFSET ?
                    """,
                arguments: StatementArguments(arguments) + [page.after ?? .max, page.limit, page.skip])
            let total = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM purchases \(place)",
                arguments: StatementArguments(arguments))
            return Listing(items: try rows.map(Self.purchase), total: total ?? 0)
        }
    }
}
