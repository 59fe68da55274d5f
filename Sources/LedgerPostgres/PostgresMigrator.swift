import InventoryService
import PostgresClient

/// Brings the schema of a database up to date. Several servers may start at once: one of them does it, the
/// others wait and find it done.
struct PostgresMigrator: Sendable {
    let endpoint: PostgresEndpoint
    var steps = PostgresMigrations.steps
    /// The caller fills the database (``LedgerFilling``); for others an unfinished one is none.
    var isFilling = false

    /// A step may write every row of a large table.
    private static let limit = Duration.seconds(3600)

    /// - Returns: The steps that ran.
    /// - Throws: ``InventoryError`` for a newer or an altered schema; else what the database says.
    func run(on connection: PostgresConnection) async throws -> [String] {
        if try await check(connection) == .current { return [] }
        _ = try await connection.run(
            [
                .begin, LedgerLock.migrations.exclusive,
                PostgresStatement(nil, "SET LOCAL statement_timeout = 0").with(),
            ], within: Self.limit)
        let taken = try await takeMissing(on: connection)
        try await connection.commit(within: Self.limit)
        return taken
    }

    /// Runs the steps that are missing, in the caller's transaction, which holds the lock of migrations.
    func takeMissing(on connection: PostgresConnection) async throws -> [String] {
        // Another server may have done it while this one waited for the lock.
        _ = try await check(connection)
        _ = try await connection.run(
            [
                PostgresStatement(
                    nil,
                    """
                    CREATE TABLE IF NOT EXISTS schema_steps (
                        name TEXT PRIMARY KEY,
                        sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
                    )
                    """
                ).with()
            ], within: Self.limit)
        let noted = try await notes(connection) ?? [:]
        let missing = steps.filter { noted[$0.name] == nil }
        for step in missing { try await take(step, on: connection) }
        return missing.map(\.name)
    }

    private func take(_ step: MigrationStep, on connection: PostgresConnection) async throws {
        // With parameters a text is one statement.
        let statements = step.statements.flatMap { $0.split(separator: ";\n") }
        var commands = statements.map { PostgresStatement(nil, String($0)).with() }
        commands.append(
            PostgresStatement(nil, "INSERT INTO schema_steps (name, sha256) VALUES ($1, $2)")
                .with(.text(step.name), .text(step.checksum)))
        _ = try await connection.run(commands, within: Self.limit)
    }

    private func check(_ connection: PostgresConnection) async throws -> PostgresMigrations.Standing {
        if !isFilling, try await LedgerFilling.isMarked(connection, Self.limit) {
            throw InventoryError(.databaseUnusable, LedgerFilling.refusal(endpoint))
        }
        let standing = PostgresMigrations.standing(try await notes(connection), steps: steps)
        switch standing {
        case .empty, .older, .current: return standing
        case .newer:
            throw InventoryError(
                .schemaTooNew,
                "the database \(endpoint) was written by a newer version of lab-server; start that version, "
                    + "or choose another database with --database")
        case .altered(let step):
            throw InventoryError(
                .databaseUnusable,
                "the database \(endpoint) went through the schema's step \"\(step)\" with another text than "
                    + "this program has: start the version that made it, or restore a backup")
        }
    }

    func notes(_ connection: PostgresConnection) async throws -> [String: String]? {
        let table = try await connection.run(
            [PostgresStatement(nil, "SELECT to_regclass('schema_steps')").with()], within: Self.limit)
        guard try table.first?.rows.first?.optional(0) != nil else { return nil }
        let rows = try await connection.run(
            [PostgresStatement(nil, "SELECT name, sha256 FROM schema_steps").with()], within: Self.limit)
        var notes: [String: String] = [:]
        for row in rows.flatMap(\.rows) { notes[try row.text(0)] = try row.text(1) }
        return notes
    }
}

/// Locks of the whole ledger, which servers take inside a transaction and lose with it.
enum LedgerLock: Int {
    /// Who changes the schema.
    case migrations = 1
    /// Who ends reservations has it alone; who uses one up shares it with others. So no reservation is both
    /// sold and ended, whatever two servers do at once.
    case endings = 2
    /// Who fills a database from elsewhere has it until its connection ends.
    case filling = 10

    /// The letters LAB: other programs that lock in the same database have other numbers.
    private static let space = 0x4C_41_42

    /// Takes it for as long as the connection lives, or says that somebody else has it.
    var attempt: PostgresCommand {
        PostgresStatement(nil, "SELECT pg_try_advisory_lock($1::int, $2::int)")
            .with(PostgresValue(Self.space), PostgresValue(rawValue))
    }

    var exclusive: PostgresCommand {
        PostgresStatement("lock", "SELECT pg_advisory_xact_lock($1::int, $2::int)")
            .with(PostgresValue(Self.space), PostgresValue(rawValue))
    }

    var shared: PostgresCommand {
        PostgresStatement("lock_shared", "SELECT pg_advisory_xact_lock_shared($1::int, $2::int)")
            .with(PostgresValue(Self.space), PostgresValue(rawValue))
    }
}
