import GRDB
import Synchronization

/// The ledger in one SQLite file: WAL, `synchronous=FULL`, one writing process.
///
/// Reads run on GRDB's reader connections, writes share commits on its one writer. Debian's SQLite 3.40.1
/// allows no second writer or checkpointer on the same file, so the process holds a lock file.
public final class SQLiteLedger: Ledger {
    let pool: DatabasePool
    let writer: GroupCommitWriter
    private let lock: DatabaseLock
    private let isClosed = Mutex(false)

    /// Opens or makes the database at `path`, brings its schema up to date, and makes its commits durable.
    ///
    /// - Throws: ``InventoryError``: `.databaseLocked`, `.databaseUnusable` or `.schemaTooNew`, each with a
    ///   sentence that says what to do.
    public static func open(path: String) async throws(InventoryError) -> SQLiteLedger {
        let lock = try DatabaseLock(databasePath: path)
        do {
            return try await SQLiteLedger(path: path, lock: lock)
        } catch let error as InventoryError {
            throw error
        } catch {
            throw InventoryError(
                .databaseUnusable, "cannot open the database \(path): \(sentence(error))", underlying: error)
        }
    }

    private init(path: String, lock: DatabaseLock) async throws {
        var configuration = Configuration()
        configuration.label = "ledger"
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        pool = try DatabasePool(path: path, configuration: configuration)
        writer = GroupCommitWriter(pool)
        self.lock = lock

        let migrator = Migrations.migrator()
        if try await pool.read({ try migrator.hasBeenSuperseded($0) }) {
            throw InventoryError(
                .schemaTooNew,
                "the database \(path) was written by a newer version of lab-server; start that version, "
                    + "or choose another file with --database")
        }
        try migrator.migrate(pool)
        // GRDB sets NORMAL on its writer after it has opened it, so this must stand after the opening.
        let level = try await pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
            return try Self.synchronousLevel(database)
        }
        guard level == Self.full else {
            throw InventoryError(
                .databaseUnusable, "SQLite did not accept synchronous=FULL for \(path) (it says \(level))")
        }
    }

    /// What SQLite calls FULL.
    static let full = 2

    static func synchronousLevel(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
    }

    public func check() async throws(InventoryError) {
        let level = try await writer.submit { try Self.synchronousLevel($0) }
        guard level == Self.full else {
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
        default:
            InventoryError(
                .ledgerUnavailable, "the ledger cannot be used at the moment", underlying: error, file: file,
                line: line)
        }
    }

    private static func sentence(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        switch error.resultCode {
        case .SQLITE_CANTOPEN: return "the file cannot be opened; check the path and its permissions"
        case .SQLITE_NOTADB: return "the file is not a SQLite database"
        case .SQLITE_READONLY: return "the file cannot be written; check its permissions"
        case .SQLITE_FULL: return "the disk is full"
        default: return error.message ?? error.resultCode.description
        }
    }
}
