import Foundation
package import InventoryService
package import PostgresClient

/// Makes a ledger of a backup, in a database that holds nothing.
///
/// The file is read once before the database is touched. Then the database is marked as unfinished, so that
/// no server starts on it; `pg_restore` fills it in one transaction; and one more transaction brings it up to
/// this program's schema, holds it against the invariants, lets it begin anew (decision 0013) and takes the
/// mark away. What fails leaves the database empty. A kill leaves it empty, marked, or whole, and the next
/// restore takes a marked one for its own.
struct PostgresRestore: Sendable {
    let backup: String
    let endpoint: PostgresEndpoint
    let isDrill: Bool
    let settings: LedgerSettings
    let clock: WallClock
    let crashPoints: CrashPoints

    func run() async throws -> RestoreReport {
        let start = ContinuousClock.now
        try PostgresArchive.checkKind(of: backup)
        let filling = try await LedgerFilling.open(endpoint, .backup, settings)
        defer { filling.connection.close() }
        let version = try await filling.run("SELECT current_setting('server_version_num')::int / 10000")
        let tool = try await PostgresTool.find(.restore, for: try version.first?.rows.first?.int(0) ?? 0)
        let archive = try await PostgresArchive(at: backup, by: tool)
        if try await filling.unfinished() == filling.source.text { try await filling.clear() }
        try await filling.mark { try await checkPlace(filling) }
        do {
            try await fill(by: tool)
            crashPoints.pass(.afterRestoreCopy)
            let (newSteps, figures) = try await filling.finish { try await prepare(filling) }
            return RestoreReport(
                database: "\(endpoint)", backup: backup, kept: nil, newSteps: newSteps, figures: figures,
                backedUp: archive.taken.map { .noted($0) } ?? .file(fileTime), restored: clock.now,
                duration: start.duration(to: .now))
        } catch {
            // Nobody knows whether it is finished: then it stays.
            if (error as? PostgresError)?.code != .outcomeUnknown { try? await filling.clear() }
            throw error
        }
    }

    private func fill(by tool: PostgresTool) async throws {
        do {
            try await tool.run(
                [
                    "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
                    "--dbname=\(endpoint.databaseWord)", backup,
                ], on: endpoint)
        } catch let error as InventoryError {
            throw InventoryError(
                .databaseUnusable,
                "the backup \(backup) is damaged, or PostgreSQL at \(endpoint) cannot hold it (\(error.context)); "
                    + "nothing of it was kept", underlying: error)
        }
    }

    private func checkPlace(_ filling: LedgerFilling) async throws {
        guard let relation = try await filling.firstRelation() else { return }
        if try await filling.unfinished() != nil {
            throw InventoryError(.databaseUnusable, LedgerFilling.refusal(endpoint))
        }
        throw InventoryError(
            .databaseUnusable,
            "the database \(endpoint) is not empty, it holds \(relation); a restore overwrites nothing: make "
                + "another one with createdb, and name it in --database")
    }

    private var fileTime: Timestamp {
        let date = try? FileManager.default.attributesOfItem(atPath: backup)[.modificationDate] as? Date
        return Timestamp(microseconds: Int64((date?.timeIntervalSince1970 ?? 0) * 1_000_000))
    }

    // MARK: - The copy

    private func prepare(_ filling: LedgerFilling) async throws -> ([String], LedgerFigures) {
        let migrator = PostgresMigrator(endpoint: endpoint, isFilling: true)
        let noted = try await migrator.notes(filling.connection)
        switch PostgresMigrations.standing(noted) {
        case .older, .current: break
        case .empty:
            throw InventoryError(.databaseUnusable, "\(backup) holds no ledger; is it the right file?")
        case .newer:
            throw InventoryError(
                .schemaTooNew,
                "the backup \(backup) was written by a newer version of lab-server; restore it with that version"
            )
        case .altered(let step):
            throw InventoryError(
                .databaseUnusable,
                "the backup \(backup) went through the schema's step \"\(step)\" with another text than this "
                    + "program has: restore it with the version that made it")
        }
        let newSteps = try await migrator.takeMissing(on: filling.connection)
        let limit = Duration.seconds(3600)
        let contradictions = try await PostgresAudit.contradictions(on: filling.connection, within: limit)
        guard contradictions.isEmpty else {
            throw InventoryError(
                .databaseUnusable,
                "the books of \(backup) contradict themselves, so it was not restored: "
                    + contradictions.joined(separator: "; "))
        }
        let figures = try await figures(filling)
        try await beginAnew(filling, at: clock.now)
        return (newSteps, figures)
    }

    private func figures(_ filling: LedgerFilling) async throws -> LedgerFigures {
        let results = try await filling.run(
            """
            SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM products WHERE deleted_at IS NULL),
                (SELECT count(*) FROM purchases), (SELECT coalesce(sum(supplied), 0) FROM products),
                (SELECT coalesce(sum(sold), 0) FROM products), (SELECT max(purchased_at) FROM purchases),
                greatest((SELECT max(purchased_at) FROM purchases),
                    (SELECT max(created_at) FROM stock_movements),
                    (SELECT max(refused_at) FROM refused_purchases),
                    (SELECT max(ended_at) FROM ended_reservations),
                    (SELECT max(updated_at COLLATE "C") FROM users),
                    (SELECT max(greatest(created_at, deleted_at)) FROM products))
            """)
        guard let row = results.first?.rows.first else { return LedgerFigures() }
        var figures = LedgerFigures()
        figures.users = try row.int(0)
        figures.products = try row.int(1)
        figures.purchases = try row.int(2)
        figures.supplied = try row.int(3)
        figures.sold = try row.int(4)
        figures.lastPurchase = try row.optional(5).flatMap { Timestamp(stored: $0) }
        figures.newestRow = try row.optional(6).flatMap { Timestamp(stored: $0) }
        return figures
    }

    /// What was given out after the backup is not given out again, and counts for nothing. The numbers are
    /// those of the ledger on SQLite, for the same reasons.
    private func beginAnew(_ filling: LedgerFilling, at time: Timestamp) async throws {
        _ = try await filling.run(
            "UPDATE products SET epoch = greatest(epoch + 1, \(time.seconds))",
            "UPDATE users SET token_version = greatest(token_version + 1, \(time.seconds))",
            "DELETE FROM backup_mark",
            // The servers of before: their leases, their turn, and what they had told each other.
            "DELETE FROM servers",
            """
            UPDATE reconcile_turn SET fence = greatest(fence + 1, \(time.seconds)), holder = NULL,
                ends_at = to_timestamp(0)
            """,
            "UPDATE user_changes SET number = greatest(number + 1, \(time.seconds))")
        // A server's number has 32 bits: seconds stay below them until the year 2106.
        try await filling.continueNumbers(of: "servers", after: time.seconds)
        for table in MovedTable.all where table.isNumbered {
            try await filling.continueNumbers(of: table.name, after: time.microseconds)
        }
        if isDrill {
            _ = try await filling.run(
                """
                UPDATE stock_origin SET origin = substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)
                    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 4)
                """)
        }
    }
}

extension LedgerFilling {
    /// The next row of a table gets a number above this one, above its sequence and above all its rows.
    func continueNumbers(of table: String, after number: Int64) async throws {
        let name = "pg_get_serial_sequence('\(table)', 'id')"
        _ = try await run(
            """
            SELECT setval(\(name), greatest(last, 1), last > 0) FROM (
                SELECT greatest(\(number), (SELECT max(id) FROM \(table)),
                    pg_sequence_last_value(\(name)::regclass)) AS last) AS numbers
            """)
    }
}

extension PostgresLedger {
    /// Makes a ledger of a backup, in a database that holds nothing.
    ///
    /// - Parameter isDrill: Whether the ledger of before goes on. The restored one then gets a name of its
    ///   own in Redis, and neither takes the other's stock for its own.
    /// - Throws: ``InventoryError``: `.databaseLocked`, `.schemaTooNew` or `.databaseUnusable`, each with a
    ///   sentence that says what to do; the database is as it was.
    package static func restore(
        backupAt backup: String, to endpoint: PostgresEndpoint, isDrill: Bool = false,
        settings: LedgerSettings = LedgerSettings(), clock: WallClock = .system,
        crashPoints: CrashPoints = .none
    ) async throws(InventoryError) -> RestoreReport {
        let restore = PostgresRestore(
            backup: backup, endpoint: endpoint, isDrill: isDrill, settings: settings, clock: clock,
            crashPoints: crashPoints)
        do {
            return try await restore.run()
        } catch {
            throw copyFailure(error, "cannot restore \(backup)", endpoint)
        }
    }
}
