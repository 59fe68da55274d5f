package import InventoryService
package import PostgresClient

/// Copies the ledger of running or stopped servers into a new file, by `pg_dump` in its custom format.
///
/// What the copy holds is one moment of the database, a snapshot that this connection keeps until the copy is
/// made: the number of purchases is counted in the same one.
struct PostgresBackup: Sendable {
    let endpoint: PostgresEndpoint
    let path: String

    func run() async throws -> Int {
        let connection = try await PostgresConnection.open(endpoint, within: .seconds(5))
        defer { connection.close() }
        let (snapshot, version, purchases) = try await look(connection)
        let dump = try await PostgresTool.find(.dump, for: version)
        let restore = try await PostgresTool.find(.restore, for: dump.version)
        let file = NewFile(path: path)
        try file.begin()
        do {
            try await dump.run(
                [
                    "--format=custom", "--no-owner", "--no-privileges", "--no-comments", "--no-publications",
                    "--no-subscriptions", "--no-security-labels", "--no-tablespaces",
                    "--snapshot=\(snapshot)", "--file=\(file.partial)",
                ], on: endpoint)
            _ = try await PostgresArchive(at: file.partial, by: restore)
            try file.publish()
        } catch {
            file.discard()
            throw error
        }
        return purchases
    }

    private func look(
        _ connection: PostgresConnection
    ) async throws -> (snapshot: String, version: Int, purchases: Int) {
        let limit = Duration.seconds(3600)
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        _ = try await connection.run(
            [
                PostgresStatement(nil, begin).with(),
                PostgresStatement(nil, "SET LOCAL statement_timeout = 0").with(),
                PostgresStatement(nil, "SET LOCAL idle_in_transaction_session_timeout = 0").with(),
            ], within: limit)
        let facts = try await connection.run(
            [
                PostgresStatement(
                    nil,
                    """
                    SELECT pg_export_snapshot(), current_setting('server_version_num')::int / 10000,
                        to_regclass('purchases') IS NOT NULL
                            AND to_regclass('schema_steps') IS NOT NULL
                            AND to_regclass('stock_origin') IS NOT NULL,
                        to_regclass('\(LedgerFilling.table)')
                    """
                ).with()
            ], within: limit)
        guard let row = facts.first?.rows.first, try row.flag(2) else {
            throw InventoryError(.databaseUnusable, "the database \(endpoint) holds no ledger")
        }
        guard try row.optional(3) == nil else {
            throw InventoryError(.databaseUnusable, LedgerFilling.refusal(endpoint))
        }
        let count = try await connection.run(
            [PostgresStatement(nil, "SELECT count(*) FROM purchases").with()], within: limit)
        return (try row.text(0), try row.int(1), try count.first?.rows.first?.int(0) ?? 0)
    }
}

extension PostgresLedger {
    /// Copies the ledger of running or stopped servers into a new file, by PostgreSQL's own `pg_dump`, and
    /// reads the copy once to see that it is whole. The copy is one moment of the database; all that was
    /// answered before the call is in it. The file has its name when it is on the disk; until then `.partial`
    /// stands behind it.
    ///
    /// - Returns: Purchases in the copy.
    /// - Throws: ``InventoryError`` with `.databaseUnusable` and a sentence; also when the copy's file
    ///   exists, and when `pg_dump` is missing or older than the server.
    package static func backUp(
        _ endpoint: PostgresEndpoint, to path: String
    ) async throws(InventoryError) -> Int {
        guard !NewFile.exists(path) else {
            throw InventoryError(.databaseUnusable, "\(path) exists already; a backup overwrites nothing")
        }
        do {
            return try await PostgresBackup(endpoint: endpoint, path: path).run()
        } catch {
            throw copyFailure(error, "cannot write the backup \(path)", endpoint)
        }
    }

    /// For the person who makes or restores a copy.
    static func copyFailure(
        _ error: any Error, _ what: String, _ endpoint: PostgresEndpoint
    ) -> InventoryError {
        switch error {
        case let error as InventoryError: error
        case let error as PostgresError where error.code == .refused:
            InventoryError(.databaseUnusable, "\(what): PostgreSQL at \(endpoint) says: \(error.context)")
        case let error as PostgresError: InventoryError(.databaseUnusable, error.context, underlying: error)
        default: InventoryError(.databaseUnusable, "\(what): \(error)", underlying: error)
        }
    }
}
