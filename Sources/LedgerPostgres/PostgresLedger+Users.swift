package import InventoryService
import PostgresClient

extension PostgresLedger {
    static let userColumns =
        "id, username, email, role, disabled_at, created_at, updated_at, hashed_password, token_version"

    package func createUser(_ user: NewUser) async throws(InventoryError) -> CreateUserOutcome {
        try await transaction { connection in
            if let outcome = try await self.takenName(user, .begin, on: connection) { return outcome }
            // Asked here too, because a row that PostgreSQL refuses uses up a number.
            try Self.demand(user.username, 1...50)
            if let email = user.email { try Self.demand(email, 1...100) }
            try Self.demand(user.passwordHash.stored, 1...255)
            let time = PostgresValue.text(user.createdAt.description)
            let results = try await connection.run(
                [
                    Self.insertUser.with(
                        .text(user.username), PostgresValue(user.email), .text(user.passwordHash.stored),
                        .text(user.role.rawValue), time)
                ], within: self.limit)
            guard let row = results.first?.rows.first else {
                // Another server was quicker.
                guard let outcome = try await self.takenName(user, nil, on: connection) else {
                    throw InventoryError(.ledgerUnavailable, "the ledger did not take this user")
                }
                return outcome
            }
            return .created(
                User(
                    id: UserID(try row.number(0)), username: user.username, email: user.email,
                    role: user.role, createdAt: user.createdAt, updatedAt: user.createdAt))
        }
    }

    private static let insertUser = PostgresStatement(
        "insert_user",
        """
        INSERT INTO users (username, email, hashed_password, role, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING RETURNING id
        """)

    private func takenName(
        _ user: NewUser, _ begin: PostgresCommand?, on connection: PostgresConnection
    ) async throws -> CreateUserOutcome? {
        // A text with U+0000 is nobody's.
        let (name, email) = (Self.searchable(user.username), user.email.flatMap(Self.searchable))
        let commands = [
            begin,
            PostgresStatement(
                "taken_name",
                """
                SELECT EXISTS (SELECT 1 FROM users WHERE username = $1),
                    EXISTS (SELECT 1 FROM users WHERE email = $2)
                """
            ).with(PostgresValue(name), PostgresValue(email)),
        ].compactMap(\.self)
        guard let row = try await connection.run(commands, within: limit).last?.rows.first else { return nil }
        if try row.flag(0) { return .usernameTaken }
        return try row.flag(1) ? .emailTaken : nil
    }

    package func user(_ id: UserID) async throws(InventoryError) -> User? {
        let rows = try await rows(Self.userByID.with(.integer(id.rawValue)))
        return try Self.value { try rows.first.map(Self.user) }
    }

    private static let userByID = PostgresStatement(
        "user_by_id", "SELECT \(userColumns) FROM users WHERE id = $1::bigint")

    package func credentials(of username: String) async throws(InventoryError) -> Credentials? {
        guard let name = Self.searchable(username) else { return nil }
        let rows = try await rows(Self.userByName.with(.text(name)))
        return try Self.value {
            try rows.first.map { row in
                Credentials(
                    user: try Self.user(row), hash: PasswordHash(stored: try row.text(7)),
                    standing: try Self.standing(row))
            }
        }
    }

    private static let userByName = PostgresStatement(
        "user_by_name", "SELECT \(userColumns) FROM users WHERE username = $1")

    package func standing(of id: UserID) async throws(InventoryError) -> UserStanding? {
        let rows = try await rows(Self.userByID.with(.integer(id.rawValue)))
        return try Self.value { try rows.first.map(Self.standing) }
    }

    static func standing(_ row: PostgresRow) throws -> UserStanding {
        UserStanding(
            role: UserRole(rawValue: try row.text(3)) ?? .user, tokenVersion: try row.number(8),
            isDisabled: try row.optional(4) != nil)
    }

    static func user(_ row: PostgresRow) throws -> User {
        User(
            id: UserID(try row.number(0)), username: try row.text(1), email: try row.optional(2),
            role: UserRole(rawValue: try row.text(3)) ?? .user,
            disabledAt: try row.optional(4) == nil ? nil : try timestamp(row, 4),
            createdAt: try timestamp(row, 5), updatedAt: try timestamp(row, 6))
    }

    static func timestamp(_ row: PostgresRow, _ column: Int) throws -> Timestamp {
        guard let time = Timestamp(stored: try row.text(column)) else {
            throw InventoryError(.ledgerUnavailable, "the ledger holds a time that cannot be read")
        }
        return time
    }

    /// What a column of texts can hold; nil for a text with U+0000, which PostgreSQL has none of.
    static func searchable(_ text: String) -> String? { text.utf8.contains(0) ? nil : text }

    /// Refuses a text that the schema refuses: PostgreSQL counts Unicode scalars.
    static func demand(_ text: String, _ lengths: ClosedRange<Int>) throws {
        guard lengths.contains(text.unicodeScalars.count), searchable(text) != nil else {
            throw InventoryError(.ledgerUnavailable, "the ledger cannot keep a text of this length or form")
        }
    }
}
