import Dispatch
import Foundation
import GRDB
import InventoryService

/// A look at a database that changes nothing in it, also while a server uses it.
public struct LedgerInspection: Sendable, Hashable {
    public enum Schema: Sendable, Hashable {
        /// No migration was ever run on it.
        case none
        /// The next start brings it up to date.
        case older
        case current
        /// A newer version of the program wrote it.
        case newer
        /// It went through this step with another text than this program's.
        case altered(step: String)
    }

    /// Version of the library that this program uses.
    public var sqliteVersion = ""
    /// There is a file with something in it.
    public var exists = false
    /// A server holds its lock file.
    public var isServed = false
    public var journalMode: String?
    /// "ok", or the first thing that is wrong with its pages.
    public var integrity: String?
    /// Rows that refer to something that is not there.
    public var danglingRows: Int?
    public var schema: Schema?
    /// Where the ledger was moved to, and when; nil while it is here.
    public var movedTo: String?
    /// What its tables say against each other; empty for sound books, and where the schema is not this
    /// program's.
    public var contradictions: [String] = []
    public var logBytes: Int64 = 0
    /// What is wrong with the log; nil when nothing is.
    public var logDamage: String?
    /// Why the look could not be finished.
    public var failure: String?

    /// What a test or a report puts together by itself.
    public init() {}

    /// Looks at the database at `path`; reads all of it once.
    public static func of(path: String) async -> LedgerInspection {
        await withCheckedContinuation { answer in
            // SQLite blocks; the cooperative threads are for others.
            DispatchQueue.global().async { answer.resume(returning: look(at: path)) }
        }
    }

    private static func look(at typed: String) -> LedgerInspection {
        var found = LedgerInspection()
        let path: String
        do throws(InventoryError) {
            path = try LedgerPath.resolved(typed)
        } catch {
            found.exists = true
            found.failure = error.context
            return found
        }
        found.isServed = DatabaseLock.isHeld(databasePath: path)
        found.exists = size(path) > 0
        found.logBytes = size(path + "-wal")
        // A log that is being written is torn at its end for those who do not ask SQLite.
        if !found.isServed { found.logDamage = WriteAheadLog.damage(ofDatabase: path) }
        do {
            let memory = try DatabaseQueue()
            found.sqliteVersion = try memory.read {
                try String.fetchOne($0, sql: "SELECT sqlite_version()") ?? ""
            }
            if found.exists { try found.read(path) }
        } catch {
            found.failure = SQLiteLedger.sentence(error)
        }
        return found
    }

    private mutating func read(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "inspection"
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.read { database in
            journalMode = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            integrity = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
            danglingRows = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count
            schema = try Migrations.standing(of: database)
            movedTo = try SQLiteLedger.movedTo(database)
            if schema == .current { contradictions = try LedgerAudit.contradictions(in: database) }
        }
        try database.close()
    }

    private static func size(_ path: String) -> Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }
}
