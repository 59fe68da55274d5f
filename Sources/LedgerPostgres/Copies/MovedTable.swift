/// A table that a move copies from another engine, with the names that both engines have.
package struct MovedTable: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        package let name: String
        package let isNumber: Bool
    }

    package let name: String
    /// The first of them tell rows apart.
    package let columns: [Column]
    package let keys: Int
    /// Its rows have numbers that go on.
    package var isNumbered: Bool { columns[0].name == "id" }

    private init(_ name: String, keys: Int = 1, numbers: Set<String>, _ columns: String...) {
        self.name = name
        self.keys = keys
        self.columns = columns.map { Column(name: $0, isNumber: numbers.contains($0)) }
    }

    /// In an order in which each row finds what it refers to. What the steps of the schema and a backup note
    /// about themselves is not among them, and the name of the ledger is set at once. Nor are the tables of
    /// servers that share a ledger: on SQLite nothing is ever written there.
    package static let all = [
        MovedTable(
            "users", numbers: ["id", "token_version"], "id", "username", "email", "hashed_password", "role",
            "created_at", "updated_at", "token_version", "disabled_at"),
        MovedTable(
            "products", numbers: ["id", "price", "supplied", "sold", "epoch"], "id", "name", "description",
            "price", "supplied", "sold", "created_at", "epoch", "deleted_at"),
        MovedTable(
            "stock_movements", numbers: ["id", "product_id", "delta", "actor_id"], "id", "product_id",
            "delta", "reason", "actor_id", "created_at", "reservation_id"),
        MovedTable(
            "purchases",
            numbers: ["id", "user_id", "product_id", "quantity", "total_price", "fence"], "id", "user_id",
            "product_id", "quantity", "total_price", "reservation_id", "idempotency_key", "strategy", "fence",
            "purchased_at"),
        MovedTable("ended_reservations", numbers: [], "reservation_id", "ended_at"),
        MovedTable(
            "refused_purchases", keys: 2, numbers: ["user_id", "product_id", "quantity"], "user_id",
            "idempotency_key", "product_id", "quantity", "outcome", "refused_at"),
        MovedTable("stock_servers", numbers: [], "run_id"),
    ]
}
