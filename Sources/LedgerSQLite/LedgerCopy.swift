import Foundation
import GRDB
import InventoryService

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A copy of a ledger on the way to its name.
///
/// It is written beside its place, under the name with `.partial` behind it, and gets the name when it is
/// whole, proven and on the disk: a kill or a power cut at any moment leaves nothing of this name, or all of
/// it. A copy is one file without a log, and only its owner may read it. Every function blocks.
struct LedgerCopy: Sendable {
    let path: String

    var partial: String { path + ".partial" }

    /// SQLite's files beside a database.
    static let companions = ["-wal", "-shm", "-journal"]

    /// Begins the file. Whoever begins it must publish or discard it.
    ///
    /// - Throws: ``InventoryError`` with `.databaseUnusable` when it is there already, or cannot be made.
    func begin() throws(InventoryError) {
        let file = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            let failure = errno
            throw InventoryError(
                .databaseUnusable,
                failure == EEXIST
                    ? "\(partial) exists: another copy is being made, or one was killed; remove it when none is"
                    : "cannot create \(partial): \(Self.reason(failure))")
        }
        close(file)
    }

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
        try Self.sync(partial)
        do throws(InventoryError) {
            try Self.link(partial, path)
        } catch {
            // A file system without second names.
            guard !Self.exists(path), unsafe rename(partial, path) == 0 else { throw error }
        }
        try Self.syncFolder(of: path)
        discard()
    }

    /// Removes what is left of the unfinished file.
    func discard() {
        for name in [partial] + Self.companions.map({ partial + $0 }) { unsafe unlink(name) }
    }

    // MARK: - The file system

    /// A second name for a file, where there is none of this name.
    static func link(_ path: String, _ name: String) throws(InventoryError) {
        // Qualified: the type has a function of this name.
        #if canImport(Glibc)
            let result = unsafe Glibc.link(path, name)
        #else
            let result = unsafe Darwin.link(path, name)
        #endif
        guard result == 0 else {
            throw InventoryError(.databaseUnusable, "cannot name a file \(name): \(reason(errno))")
        }
    }

    static func remove(_ path: String) throws(InventoryError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw InventoryError(.databaseUnusable, "cannot remove \(path): \(reason(errno))")
        }
    }

    /// Whether there is anything of this name, a link that leads nowhere too.
    static func exists(_ path: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: path)) != nil
    }

    static func syncFolder(of path: String) throws(InventoryError) {
        try sync(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    static func sync(_ path: String) throws(InventoryError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw InventoryError(.databaseUnusable, "cannot open \(path): \(reason(errno))")
        }
        defer { close(file) }
        guard fsync(file) == 0 else {
            throw InventoryError(.databaseUnusable, "the disk did not keep \(path): \(reason(errno))")
        }
    }

    private static func reason(_ code: CInt) -> String {
        unsafe String(cString: strerror(code))
    }
}
