import GRDB
import InventoryService

/// A copy of a ledger on the way to its name: one file without a log (``NewFile``). Every function blocks.
struct LedgerCopy: Sendable {
    private let file: NewFile

    init(path: String) {
        file = NewFile(path: path)
    }

    var partial: String { file.partial }

    /// SQLite's files beside a database.
    static let companions = ["-wal", "-shm", "-journal"]

    /// Begins the file. Whoever begins it must publish or discard it.
    func begin() throws(InventoryError) { try file.begin() }

    /// Copies a database of a running or a stopped server by SQLite's online backup, in one snapshot of the
    /// source, which is opened for reading only.
    func fill(from source: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let original = try DatabaseQueue(path: source, configuration: configuration)
        let copy = try DatabaseQueue(path: partial)
        try original.backup(to: copy)
        try original.close()
        // The source's mode came with its first page: a log beside the copy would have to travel with it.
        try copy.writeWithoutTransaction { database in
            _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = DELETE")
        }
        try copy.close()
    }

    /// Opens what was filled; closes it behind `body`.
    func use<Value>(_ body: (DatabaseQueue) throws -> Value) throws -> Value {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        let queue = try DatabaseQueue(path: partial, configuration: configuration)
        let value = try body(queue)
        try queue.close()
        return value
    }

    /// What is wrong with the pages and the references of a file; nil when nothing is. Reads all of it.
    static func damage(in database: Database) throws -> String? {
        let verdict = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") ?? "no answer"
        guard verdict == "ok" else { return verdict }
        let strays = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count
        return strays == 0 ? nil : "\(strays) rows refer to something that is not there"
    }

    /// Gives the file its name, durably; overwrites nothing.
    func publish() throws(InventoryError) {
        try file.publish()
        discard()
    }

    /// Removes what is left of the unfinished file.
    func discard() {
        file.discard()
        for name in Self.companions { try? NewFile.remove(partial + name) }
    }
}
