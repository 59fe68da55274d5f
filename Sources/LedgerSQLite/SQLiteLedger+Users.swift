import GRDB
public import InventoryService

extension SQLiteLedger {
    public func createUser(_ user: NewUser) async throws(InventoryError) -> CreateUserOutcome {
        try await writer.submit { database in
            if try Self.exists(
                "SELECT 1 FROM users WHERE username = ?", [WholeText(user.username)], in: database)
            {
                return .usernameTaken
            }
            if let email = user.email,
                try Self.exists("SELECT 1 FROM users WHERE email = ?", [WholeText(email)], in: database)
            {
                return .emailTaken
            }
            let time = user.createdAt.description
            try database.execute(
                sql: """
                    INSERT INTO users (username, email, hashed_password, role, created_at, updated_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    WholeText(user.username), user.email.map(WholeText.init), user.passwordHash.stored,
                    user.role.rawValue, time, time,
                ])
            return .created(
                User(
                    id: UserID(database.lastInsertedRowID), username: user.username, email: user.email,
                    role: user.role, createdAt: user.createdAt, updatedAt: user.createdAt))
        }
    }

    public func user(_ id: UserID) async throws(InventoryError) -> User? {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM users WHERE id = ?", arguments: [id.rawValue]
            ).map(Self.user)
        }
    }

    public func credentials(
        of username: String
    ) async throws(InventoryError) -> Credentials? {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM users WHERE username = ?", arguments: [WholeText(username)]
            ).map { row in
                Credentials(
                    user: try Self.user(row), hash: PasswordHash(stored: row["hashed_password"]),
                    standing: Self.standing(row))
            }
        }
    }

    static func standing(_ row: Row) -> UserStanding {
        UserStanding(
            role: UserRole(rawValue: row["role"]) ?? .user, tokenVersion: row["token_version"],
            isDisabled: (row["disabled_at"] as String?) != nil)
    }

    static func user(_ row: Row) throws -> User {
        let isDisabled = (row["disabled_at"] as String?) != nil
        return User(
            id: UserID(row["id"]), username: row["username"], email: row["email"],
            role: UserRole(rawValue: row["role"]) ?? .user,
            disabledAt: isDisabled ? try timestamp(row, "disabled_at") : nil,
            createdAt: try timestamp(row, "created_at"), updatedAt: try timestamp(row, "updated_at"))
    }

    static func exists(
        _ query: String, _ arguments: StatementArguments, in database: Database
    ) throws -> Bool {
        try Int.fetchOne(database.cachedStatement(sql: query), arguments: arguments) != nil
    }

    static func timestamp(_ row: Row, _ column: String) throws -> Timestamp {
        let text: String = row[column]
        guard let time = Timestamp(stored: text) else {
            throw InventoryError(
                .ledgerUnavailable, "the ledger holds a time that cannot be read in \(column)")
        }
        return time
    }
}
