package import InventoryService
package import PostgresClient

/// A look at a database of PostgreSQL that changes nothing in it, also while servers use it.
package struct PostgresInspection: Sendable, Hashable {
    /// Why the look could not be made, or not be finished.
    package var failure: String?
    package var version = ""
    package var encoding = ""
    /// It takes no writes: a replica, or a server that was told so.
    package var isReadOnly = false
    /// The server's own settings, before the ledger's connections change theirs.
    package var fsync = true
    package var fullPageWrites = true
    package var synchronousCommit = ""
    package var hasChecksums = true
    /// Connections that users without special rights may have, and those that there are.
    package var connectionLimit = 0
    package var connections = 0
    package var bytes: Int64 = 0
    /// How far its wall clock is ahead of ours.
    package var clockLead: Duration?
    package var standing: PostgresMigrations.Standing?
    /// A restore or a move into it was not finished.
    package var isUnfinished = false
    /// The first thing that a database without a ledger holds.
    package var stranger: String?
    /// Rows that refer to something that is not there.
    package var danglingRows = 0
    /// What its tables say against each other; empty where the schema is not this program's.
    package var contradictions: [String] = []
    /// Why `backup` would not work; nil where it would.
    package var dumpProblem: String?

    /// What a test or a report puts together by itself.
    package init() {}

    /// Looks at a database; reads all purchases once.
    package static func of(
        _ endpoint: PostgresEndpoint, clock: WallClock = .system
    ) async -> PostgresInspection {
        var found = PostgresInspection()
        do {
            let connection = try await PostgresConnection.open(endpoint, within: .seconds(5))
            defer { connection.close() }
            try await found.read(connection, endpoint, clock)
        } catch let error as PostgresError {
            found.failure = error.context
        } catch {
            found.failure = (error as? InventoryError)?.context ?? "\(error)"
        }
        return found
    }

    private static let limit = Duration.seconds(3600)

    private mutating func read(
        _ connection: PostgresConnection, _ endpoint: PostgresEndpoint, _ clock: WallClock
    ) async throws {
        let version = try await readSettings(connection, clock)
        do throws(InventoryError) {
            _ = try await PostgresTool.find(
                .restore, for: try await PostgresTool.find(.dump, for: version).version)
        } catch {
            dumpProblem = error.context
        }
        isUnfinished = try await LedgerFilling.isMarked(connection, Self.limit)
        let migrator = PostgresMigrator(endpoint: endpoint, isFilling: true)
        let standing = PostgresMigrations.standing(try await migrator.notes(connection))
        self.standing = standing
        if standing == .empty { stranger = try await LedgerFilling.firstRelation(on: connection, Self.limit) }
        guard standing == .current, !isUnfinished else { return }
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        _ = try await connection.run(
            [
                PostgresStatement(nil, begin).with(),
                PostgresStatement(nil, "SET LOCAL statement_timeout = 0").with(),
            ], within: Self.limit)
        danglingRows = try await PostgresAudit.danglingRows(on: connection, within: Self.limit)
        contradictions = try await PostgresAudit.contradictions(on: connection, within: Self.limit)
    }

    /// - Returns: The major version.
    private mutating func readSettings(
        _ connection: PostgresConnection, _ clock: WallClock
    ) async throws -> Int {
        let before = clock.now
        let times = try await connection.run(
            [
                PostgresStatement(
                    nil, "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
                ).with()
            ], within: Self.limit)
        let ours = before.microseconds + (clock.now.microseconds - before.microseconds) / 2
        if let theirs = try times.first?.rows.first?.number(0) { clockLead = .microseconds(theirs - ours) }
        let results = try await connection.run([Self.settings.with()], within: Self.limit)
        guard let row = results.first?.rows.first else { return 0 }
        version = try row.text(0)
        encoding = try row.text(2)
        isReadOnly = try row.flag(3)
        fsync = try row.flag(4)
        fullPageWrites = try row.flag(5)
        synchronousCommit = try row.text(6)
        hasChecksums = try row.flag(7)
        connectionLimit = try row.int(8)
        connections = try row.int(9)
        bytes = try row.number(10)
        return try row.int(1)
    }

    private static let settings = PostgresStatement(
        nil,
        """
        SELECT split_part(current_setting('server_version'), ' ', 1),
            current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),
            pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
            current_setting('fsync')::boolean, current_setting('full_page_writes')::boolean,
            current_setting('synchronous_commit'), current_setting('data_checksums')::boolean,
            current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
            (SELECT coalesce(sum(numbackends), 1) - 1 FROM pg_stat_database),
            pg_database_size(current_database())
        """)
}
