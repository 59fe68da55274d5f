import Foundation
import GRDB
public import InventoryService

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Makes a ledger of a backup.
///
/// The backup is copied, brought up to this program's schema and held against the invariants before anything
/// at the ledger's place is touched. Then the ledger of before, where there is one and it may be replaced,
/// gets another name with all its files, and the copy gets the place. A kill or a power cut at any moment
/// leaves the ledger of before, nothing, or the whole new one.
///
/// What happened after the backup happened outside of the restored ledger: somebody holds a token of a user,
/// a receipt of a purchase, and Redis the stock of a product, whose rows are lost. So numbers, versions of
/// tokens and epochs of stocks go on from the time of the restore, and nothing that was given out then is
/// taken for something that is given out later.
struct LedgerRestore: Sendable {
    let backup: String
    let path: String
    /// A ledger that is there gets another name; else it is refused.
    let replaces: Bool
    /// The ledger of before goes on: the restored one leaves its stock in Redis alone.
    let isDrill: Bool
    let clock: WallClock
    let crashPoints: CrashPoints

    private typealias Failure = InventoryError

    /// Blocks.
    func run() throws -> RestoreReport {
        let start = ContinuousClock.now
        try checkBackup()
        let lock = try DatabaseLock(databasePath: path)
        defer { lock.release() }
        try checkPlace()
        let copy = LedgerCopy(path: path)
        // Of a restore that was killed: nobody else writes a file of this name while the lock is held.
        copy.discard()
        try copy.begin()
        do {
            try copy.fill(from: backup)
            let found = try copy.use { try prepare($0) }
            try NewFile.sync(copy.partial)
            crashPoints.pass(.afterRestoreCopy)
            let kept = try keepOld(inFavourOf: copy)
            crashPoints.pass(.afterRestoreKeep)
            try publish(copy, after: kept)
            return RestoreReport(
                database: path, backup: backup, kept: kept, newSteps: found.newSteps, figures: found.figures,
                backedUp: found.taken.map { .noted($0) } ?? .file(fileTime), restored: clock.now,
                duration: start.duration(to: .now))
        } catch {
            copy.discard()
            throw error
        }
    }

    // MARK: - Before

    private func checkBackup() throws(InventoryError) {
        guard FileManager.default.fileExists(atPath: backup) else {
            throw Failure(.databaseUnusable, "there is no backup \(backup)")
        }
        guard !DatabaseLock.isHeld(databasePath: backup) else {
            throw Failure(
                .databaseLocked,
                "a server is using \(backup): it is a ledger and no backup; make one with: lab-server backup")
        }
        if let damage = WriteAheadLog.damage(ofDatabase: backup) { throw Failure(.databaseUnusable, damage) }
    }

    private func checkPlace() throws(InventoryError) {
        let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        guard type == nil || type == .typeRegular else {
            throw Failure(.databaseUnusable, "\(path) is no file; give the place of the ledger itself")
        }
        guard !replaces else { return }
        // A log without its database would be taken for the restored one's.
        let inTheWay = ([""] + LedgerCopy.companions).map { path + $0 }.first(where: NewFile.exists)
        guard let inTheWay else { return }
        throw Failure(
            .databaseUnusable,
            "\(inTheWay) exists already; a restore overwrites nothing: give another --database, or --replace, "
                + "which keeps what is there under another name")
    }

    private var fileTime: Timestamp {
        let date = try? FileManager.default.attributesOfItem(atPath: backup)[.modificationDate] as? Date
        return Timestamp(microseconds: Int64((date?.timeIntervalSince1970 ?? 0) * 1_000_000))
    }

    // MARK: - The copy

    private struct Found {
        var newSteps: [String] = []
        var figures = LedgerFigures()
        var taken: Timestamp?
    }

    private func prepare(_ queue: DatabaseQueue) throws -> Found {
        let (damage, standing, applied) = try queue.read { database in
            (
                try LedgerCopy.damage(in: database), try Migrations.standing(of: database),
                try Migrations.migrator().appliedIdentifiers(database)
            )
        }
        if let damage {
            throw Failure(.databaseUnusable, "the backup \(backup) is damaged (\(damage)); take another one")
        }
        if let refusal = SQLiteLedger.refusal(of: standing, at: backup) { throw refusal }
        if standing == .none {
            throw Failure(.databaseUnusable, "\(backup) holds no ledger; is it the right file?")
        }
        try Migrations.migrator().migrate(queue)
        var found = try queue.read { database in
            let contradictions = try LedgerAudit.contradictions(in: database)
            guard contradictions.isEmpty else {
                throw Failure(
                    .databaseUnusable,
                    "the books of \(backup) contradict themselves, so it was not restored: "
                        + contradictions.joined(separator: "; "))
            }
            return try figures(database)
        }
        found.newSteps = Migrations.steps.map(\.name).filter { !applied.contains($0) }
        try queue.write { try beginAnew($0, at: clock.now) }
        return found
    }

    private func figures(_ database: Database) throws -> Found {
        func count(_ query: String) throws -> Int { try Int.fetchOne(database, sql: query) ?? 0 }
        func time(_ query: String) throws -> Timestamp? {
            try String.fetchOne(database, sql: query).flatMap { Timestamp(stored: $0) }
        }
        var figures = LedgerFigures()
        figures.users = try count("SELECT count(*) FROM users")
        figures.products = try count("SELECT count(*) FROM products WHERE deleted_at IS NULL")
        figures.purchases = try count("SELECT count(*) FROM purchases")
        figures.supplied = try count("SELECT sum(supplied) FROM products")
        figures.sold = try count("SELECT sum(sold) FROM products")
        figures.lastPurchase = try time("SELECT max(purchased_at) FROM purchases")
        figures.newestRow = try time(Self.newestRow)
        return Found(figures: figures, taken: try time("SELECT taken_at FROM backup_mark"))
    }

    private static let newestRow = """
        SELECT max(time) FROM (
            SELECT max(purchased_at) AS time FROM purchases
            UNION ALL SELECT max(created_at) FROM stock_movements
            UNION ALL SELECT max(refused_at) FROM refused_purchases
            UNION ALL SELECT max(ended_at) FROM ended_reservations
            UNION ALL SELECT max(updated_at) FROM users
            UNION ALL SELECT max(max(created_at), coalesce(max(deleted_at), '')) FROM products)
        """

    /// What was given out after the backup is not given out again, and counts for nothing.
    private func beginAnew(_ database: Database, at time: Timestamp) throws {
        // Seconds leave room for the fillings of every second until the year 2242: scripts count epochs below
        // 2^33.
        try database.execute(
            sql: "UPDATE products SET epoch = max(epoch + 1, ?)", arguments: [time.seconds])
        try database.execute(
            sql: "UPDATE users SET token_version = max(token_version + 1, ?)", arguments: [time.seconds])
        for table in ["users", "products", "stock_movements", "purchases"] {
            try database.execute(
                sql: """
                    INSERT INTO sqlite_sequence (name, seq)
                    SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)
                    """,
                arguments: [table])
            // Nobody makes a million rows a second, so a later restore of the same backup stands above this
            // one too; and below 2^53, so that every reader of JSON can count on.
            try database.execute(
                sql: "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
                arguments: [table, time.microseconds])
        }
        try database.execute(sql: "DELETE FROM backup_mark")
        // What is restored here is kept here, whatever became of the one that was copied.
        try database.execute(sql: "DROP TABLE IF EXISTS \(SQLiteLedger.movedTable)")
        if isDrill {
            try database.execute(sql: "UPDATE stock_origin SET origin = lower(hex(randomblob(8)))")
        }
    }

    // MARK: - The place

    /// Gives the ledger that is there another name, with its log, whole at every moment.
    ///
    /// - Returns: Its new name; nil where there was nothing.
    private func keepOld(inFavourOf copy: LedgerCopy) throws -> String? {
        let there = ([""] + LedgerCopy.companions).filter { NewFile.exists(path + $0) }
        guard !there.isEmpty else { return nil }
        adoptOwner(of: path, for: copy.partial)
        let name = path + ".replaced-" + clock.now.compact
        // First all of it has two names: a log that is apart from its database is lost without a word.
        for companion in there { try NewFile.link(path + companion, name + companion) }
        try NewFile.syncFolder(of: path)
        // Then the database goes before its log: a log alone is emptied by whoever makes a new database here.
        for companion in there { try NewFile.remove(path + companion) }
        try NewFile.syncFolder(of: path)
        return name
    }

    private func publish(_ copy: LedgerCopy, after kept: String?) throws(InventoryError) {
        do throws(InventoryError) {
            try copy.publish()
        } catch {
            guard let kept else { throw error }
            throw Failure(
                .databaseUnusable, "\(error.context); the ledger that was there is \(kept) now",
                underlying: error)
        }
    }

    /// The server that wrote the old file must be able to write the new one; where that cannot be had, the
    /// caller is the owner.
    private func adoptOwner(of old: String, for new: String) {
        var facts = stat()
        guard unsafe stat(old, &facts) == 0 else { return }
        _ = unsafe chown(new, facts.st_uid, facts.st_gid)
        _ = unsafe chmod(new, facts.st_mode & 0o777)
    }
}

extension SQLiteLedger {
    /// Makes a ledger of a backup, at a place where no server is at work.
    ///
    /// - Parameters:
    ///   - replacing: Whether a ledger that is there may give way; it is kept under another name.
    ///   - isDrill: Whether the ledger of before goes on. The restored one then gets a name of its own in
    ///     Redis, and neither takes the other's stock for its own.
    /// - Throws: ``InventoryError``: `.databaseLocked`, `.schemaTooNew` or `.databaseUnusable`, each with a
    ///   sentence that says what to do; what was at the place is as it was.
    public static func restore(
        backupAt backup: String, to path: String, replacing: Bool = false, isDrill: Bool = false,
        clock: WallClock = .system,
        crashPoints: CrashPoints = .none
    ) async throws(InventoryError) -> RestoreReport {
        let restore = LedgerRestore(
            backup: backup, path: path, replaces: replacing, isDrill: isDrill, clock: clock,
            crashPoints: crashPoints)
        do {
            return try await blocking { try restore.run() }
        } catch let error as InventoryError {
            throw error
        } catch {
            throw InventoryError(
                .databaseUnusable, "cannot restore \(backup): \(sentence(error))", underlying: error)
        }
    }
}
