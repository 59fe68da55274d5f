import GRDB
import InventoryService
import Synchronization

/// The connections to one database file, which can be exchanged as a whole while others use them.
final class LedgerConnections: Sendable {
    private struct Current {
        var pool: DatabasePool
        var files: LedgerFiles
    }

    private let path: String
    private let open: @Sendable () throws -> DatabasePool
    private let current: Mutex<Current>

    /// - Parameter open: Makes new connections, ready for use; called again after an error of the disk.
    init(path: String, _ open: @escaping @Sendable () throws -> DatabasePool) throws {
        self.path = path
        self.open = open
        let pool = try open()
        current = Mutex(Current(pool: pool, files: LedgerFiles(ofOpen: path)))
    }

    /// Reads that run keep theirs until they end.
    var pool: DatabasePool { current.withLock(\.pool) }

    /// What is wrong with the names of the files that are open, and what to do; nil when nothing is.
    var displacement: String? { current.withLock(\.files).displacement }

    /// Opens the files anew, makes the last transaction's failure final, and lets go of the old connections.
    /// Blocks; never called on the writer's own queue.
    ///
    /// What a failed fsync left is unknown, and to repeat it proves nothing: the kernel may have dropped the
    /// pages and then reports success. So no fsync of before is relied upon. What is committed goes from the
    /// log, as it is read, into the file, which is written and synced anew. The transaction whose fsync
    /// failed stands behind the end of the log that readers see, perhaps complete, and would come back when a
    /// restart reads the log from its start: the log is emptied, and a commit that changes nothing is written
    /// over it.
    ///
    /// - Throws: An error of SQLite; the old connections stay then, and the outcome of the failed transaction
    ///   is as unknown as before.
    func renew() throws {
        let fresh = try open()
        try fresh.writeWithoutTransaction { database in
            let limit = try Int.fetchOne(database, sql: "PRAGMA busy_timeout") ?? 0
            // Readers of the log have to end first.
            try database.execute(sql: "PRAGMA busy_timeout = 2000")
            try database.checkpoint(.truncate)
            try database.execute(sql: "PRAGMA busy_timeout = \(limit)")
            try database.inTransaction(.immediate) {
                let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
                try database.execute(sql: "PRAGMA user_version = \(version)")
                return .commit
            }
        }
        let files = LedgerFiles(ofOpen: path)
        let old = try current.withLock { current in
            guard files.isSameDatabase(as: current.files) else {
                throw InventoryError(
                    .ledgerUnavailable, current.files.displacement ?? "the file was replaced")
            }
            defer { current = Current(pool: fresh, files: files) }
            return current.pool
        }
        // Its files are closed with its last reader; nobody writes to it any more.
        _ = old
    }
}
