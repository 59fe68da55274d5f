import Foundation
import GRDB
public import InventoryService
import Synchronization

/// The ledger in one SQLite file: WAL, `synchronous=FULL`, one writing process.
///
/// Reads run on GRDB's reader connections, writes share commits on its one writer. Debian's SQLite 3.40.1
/// allows no second writer or checkpointer on the same file, so the process holds a lock file.
public final class SQLiteLedger: Ledger {
    let writer: GroupCommitWriter<ContinuousClock>
    private let connections: LedgerConnections
    private let settings: LedgerSettings
    /// The name of this ledger in Redis.
    public let origin: String
    /// One process has the file.
    public let company: (any ServerCompany)? = nil
    private let lock: DatabaseLock
    /// The database, without symbolic links.
    package let path: String
    private let isClosed = Mutex(false)
    /// The copy that was made because this opening changed the schema of an existing ledger.
    public let copyBefore: String?

    var pool: DatabasePool { connections.pool }

    /// What waits for the writer, and what it did so far.
    public var load: LedgerWriterLoad { writer.load }

    /// Bytes of the write-ahead log now; 0 when there is none. A look at the file system.
    public var logBytes: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path + "-wal")
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    /// Opens or makes the database at `path`, brings its schema up to date, and makes its commits durable.
    ///
    /// Symbolic links are followed first, so a database has one lock under all its names.
    ///
    /// An existing ledger whose schema changes is copied first, as ``backUp(databaseAt:to:clock:)`` does:
    /// there is no other way back to the version of before.
    ///
    /// - Parameter keepsCopy: False leaves that copy out.
    /// - Parameter acceptsMoved: Whether a ledger that was moved to another engine is opened all the same.
    /// - Parameter onCommit: Called behind each transaction, well or badly ended, with the time that it took;
    ///   on the writer's own queue, so it must be quick.
    /// - Throws: ``InventoryError``: `.databaseLocked`, `.databaseUnusable` or `.schemaTooNew`, each with a
    ///   sentence that says what to do.
    public static func open(
        path typed: String, settings: LedgerSettings = LedgerSettings(), keepsCopy: Bool = true,
        acceptsMoved: Bool = false, clock: WallClock = .system,
        onCommit: @escaping @Sendable (Duration) -> Void = { _ in }
    ) async throws(InventoryError) -> SQLiteLedger {
        let path = try LedgerPath.resolved(typed)
        let lock = try DatabaseLock(databasePath: path)
        do {
            return try await SQLiteLedger(
                path: path, settings: settings, lock: lock, copyTime: keepsCopy ? clock.now : nil,
                acceptsMoved: acceptsMoved, onCommit: onCommit)
        } catch let error as InventoryError {
            throw error
        } catch {
            throw InventoryError(
                .databaseUnusable, "cannot open the database \(path): \(sentence(error))", underlying: error)
        }
    }

    private init(
        path: String, settings: LedgerSettings, lock: DatabaseLock, copyTime: Timestamp?,
        acceptsMoved: Bool, onCommit: @escaping @Sendable (Duration) -> Void
    ) async throws {
        // Before SQLite reads the log: what it cannot read it drops without a word.
        if let damage = WriteAheadLog.damage(ofDatabase: path) {
            throw InventoryError(.databaseUnusable, damage)
        }
        let connections = try LedgerConnections(path: path) { try Self.connect(path, settings) }
        // A file that was just made could not be locked before.
        try lock.holdFile()
        let pool = connections.pool
        self.connections = connections
        self.path = path
        self.settings = settings
        self.lock = lock
        try await Self.checkPages(pool, path)

        let standing = try await pool.read { try Migrations.standing(of: $0) }
        if let refusal = Self.refusal(of: standing, at: path) { throw refusal }
        if !acceptsMoved, let place = try await pool.read({ try Self.movedTo($0) }) {
            throw Self.refusal(ofMovedTo: place, at: path)
        }
        if standing == .older, let copyTime {
            let copy = path + ".before-migration-" + copyTime.compact
            _ = try await Self.backUp(databaseAt: path, to: copy)
            copyBefore = copy
        } else {
            copyBefore = nil
        }
        try Migrations.migrator().migrate(pool)
        origin = try await pool.read {
            try String.fetchOne($0, sql: "SELECT origin FROM stock_origin") ?? ""
        }
        writer = GroupCommitWriter(
            connections, settings: settings, clock: ContinuousClock(), recorder: SaleRecorder(origin: origin),
            onCommit: onCommit)
    }

    /// Opens the file for one writing connection and a few reading ones. Blocks.
    private static func connect(_ path: String, _ settings: LedgerSettings) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        // How long SQLite waits before the writer looks whether somebody has waited too long.
        configuration.busyMode = .timeout(0.05)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // GRDB sets NORMAL on its writer after it has opened it, so this must stand after the opening.
        let level = try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = \(settings.durability.rawValue)")
            try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
            return try Self.synchronousLevel(database)
        }
        guard level == settings.durability.rawValue else {
            throw InventoryError(
                .databaseUnusable, "SQLite did not accept synchronous=FULL for \(path) (it says \(level))")
        }
        return pool
    }

    /// Reads every page once: a second for a hundred megabytes, and no sale is made on a damaged file.
    private static func checkPages(_ pool: DatabasePool, _ path: String) async throws {
        let answer = try await pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
        guard let answer, answer != "ok" else { return }
        throw InventoryError(
            .databaseUnusable,
            "the database \(path) is damaged (\(answer)); restore a backup, and see: lab-server doctor")
    }

    /// Why a database of this schema cannot be used; nil for one that can, or that is empty.
    static func refusal(of standing: LedgerInspection.Schema, at path: String) -> InventoryError? {
        switch standing {
        case .none, .older, .current: nil
        case .newer:
            InventoryError(
                .schemaTooNew,
                "the database \(path) was written by a newer version of lab-server; start that version, "
                    + "or choose another file with --database")
        case .altered(let step):
            InventoryError(
                .databaseUnusable,
                "the database \(path) went through the schema's step \"\(step)\" with another text than this "
                    + "program has: start the version that made it, or restore a backup")
        }
    }

    static func synchronousLevel(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
    }

    public func check() async throws(InventoryError) {
        let level = try await writer.submit { try Self.synchronousLevel($0) }
        guard level == settings.durability.rawValue else {
            throw InventoryError(
                .ledgerUnavailable, "the ledger's commits are not durable (synchronous=\(level))")
        }
        _ = try await read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
    }

    public func close() async {
        // GRDB reads a freed connection when a write follows the closing.
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        await writer.close()
        // So that the file alone holds everything, ready to be copied.
        _ = try? await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try? pool.close()
        lock.release()
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(InventoryError) -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw Self.error(error)
        }
    }

    /// The module's error for what GRDB threw.
    static func error(_ error: any Error, file: String = #fileID, line: Int = #line) -> InventoryError {
        switch error {
        case let error as InventoryError: error
        case is CancellationError:
            InventoryError(.cancelled, "cancelled while reading the ledger", file: file, line: line)
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            InventoryError(
                .ledgerFull, "the disk of the ledger is full", underlying: error, file: file, line: line)
        default:
            InventoryError(
                .ledgerUnavailable, "the ledger cannot be used at the moment", underlying: error, file: file,
                line: line)
        }
    }

    static func sentence(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        switch error.resultCode {
        case .SQLITE_CANTOPEN: return "the file cannot be opened; check the path and its permissions"
        case .SQLITE_NOTADB: return "the file is not a SQLite database"
        case .SQLITE_READONLY: return "the file cannot be written; check its permissions"
        case .SQLITE_FULL: return "the disk is full; make space"
        case .SQLITE_BUSY: return "another program holds it; end that program"
        case .SQLITE_CORRUPT:
            return "the file is damaged; restore a backup, and look with: lab-server doctor"
        case .SQLITE_IOERR: return "the disk fails (\(error.extendedResultCode)); look at the system's log"
        default: return error.message ?? error.resultCode.description
        }
    }
}
