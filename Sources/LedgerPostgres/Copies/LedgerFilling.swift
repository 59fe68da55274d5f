import InventoryService
import PostgresClient

/// A database that is being made a ledger from elsewhere: of a backup, or of a ledger on SQLite.
///
/// From the first row to the last a table of its own says so, and no server starts on such a database. One
/// process at a time does the work: it holds a lock that ends with its connection.
struct LedgerFilling: Sendable {
    /// What is being made; the text stands in the table.
    enum Source: Sendable, Hashable {
        case backup
        /// By its name in Redis.
        case ledger(origin: String)

        var text: String {
            switch self {
            case .backup: "backup"
            case .ledger(let origin): "ledger \(origin)"
            }
        }
    }

    static let table = "ledger_unfinished"

    static func refusal(_ endpoint: PostgresEndpoint) -> String {
        "the database \(endpoint) holds half a ledger: a restore or a move into it was not finished; "
            + "run that command again, or make the database anew"
    }

    let endpoint: PostgresEndpoint
    let connection: PostgresConnection
    let source: Source

    private static let limit = Duration.seconds(3600)

    /// Whether a database is marked as unfinished.
    static func isMarked(_ connection: PostgresConnection, _ limit: Duration) async throws -> Bool {
        let results = try await connection.run(
            [PostgresStatement(nil, "SELECT to_regclass('\(table)')").with()], within: limit)
        return try results.first?.rows.first?.optional(0) != nil
    }

    func run(_ texts: String...) async throws -> [PostgresResult] {
        try await connection.run(texts.map { PostgresStatement(nil, $0).with() }, within: Self.limit)
    }

    func run(_ command: PostgresCommand) async throws -> [PostgresResult] {
        try await connection.run([command], within: Self.limit)
    }

    /// Opens a connection that may do all of it, and takes the lock.
    ///
    /// - Throws: ``InventoryError`` when another process fills the same database; ``PostgresError`` with a
    ///   sentence for a server that cannot hold the ledger.
    static func open(
        _ endpoint: PostgresEndpoint, _ source: Source, _ settings: LedgerSettings
    ) async throws -> LedgerFilling {
        let session = LedgerSession(endpoint: endpoint, settings: settings, limits: PostgresPool.Settings())
        let connection = try await PostgresConnection.open(endpoint, within: .seconds(5))
        do {
            try await session.prepare(connection)
            let filling = LedgerFilling(endpoint: endpoint, connection: connection, source: source)
            // What takes an hour is no mistake here.
            _ = try await filling.run(
                "SET statement_timeout = 0", "SET lock_timeout = 0",
                "SET idle_in_transaction_session_timeout = 0")
            let results = try await connection.run([LedgerLock.filling.attempt], within: limit)
            guard try results.first?.rows.first?.flag(0) == true else {
                throw InventoryError(
                    .databaseLocked,
                    "another restore or move is at work in the database \(endpoint); wait for its end")
            }
            return filling
        } catch {
            connection.close()
            throw error
        }
    }

    // MARK: - What is there

    /// Tables, views and sequences that no extension brought, with their kinds.
    private static let relations = """
        SELECT format('%I.%I', n.nspname, c.relname), c.relkind FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
            AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            AND NOT EXISTS (SELECT 1 FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1
        """

    /// The first thing that a database holds; nil for an empty one.
    static func firstRelation(
        on connection: PostgresConnection, _ limit: Duration
    ) async throws -> String? {
        let results = try await connection.run(
            [PostgresStatement(nil, relations).with()], within: limit)
        return try results.first?.rows.first?.text(0)
    }

    func firstRelation() async throws -> String? {
        try await Self.firstRelation(on: connection, Self.limit)
    }

    /// From whom a filling that was not finished came; nil without one.
    func unfinished() async throws -> String? {
        guard try await Self.isMarked(connection, Self.limit) else { return nil }
        return try await run("SELECT source FROM \(Self.table)").first?.rows.first?.text(0)
    }

    // MARK: - Begin and end

    /// Marks an empty database as unfinished, together with what `body` does in the same transaction.
    ///
    /// - Parameter isFree: Whether the database may be taken, asked under the lock of those who change
    ///   schemas.
    func mark(_ isFree: () async throws -> Void, _ body: () async throws -> Void = {}) async throws {
        try await transaction {
            try await isFree()
            _ = try await run("CREATE TABLE \(Self.table) (source TEXT NOT NULL)")
            _ = try await connection.run(
                [
                    PostgresStatement(nil, "INSERT INTO \(Self.table) VALUES ($1)").with(.text(source.text))
                ], within: Self.limit)
            try await body()
        }
    }

    /// Takes the mark away, together with what `body` does in the same transaction.
    func finish<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await transaction {
            let value = try await body()
            _ = try await run("DROP TABLE \(Self.table)")
            return value
        }
    }

    /// Empties a database that was empty when it was marked.
    func clear() async throws {
        try await transaction {
            let rows = try await run(Self.relations).first?.rows ?? []
            for row in rows where ["r", "p"].contains(try row.text(1)) {
                _ = try await run("DROP TABLE IF EXISTS \(try row.text(0)) CASCADE")
            }
        }
    }

    private func transaction<Value>(_ body: () async throws -> Value) async throws -> Value {
        _ = try await connection.run([.begin, LedgerLock.migrations.exclusive], within: Self.limit)
        return try await connection.transaction(within: Self.limit) { _ in try await body() }
    }
}
