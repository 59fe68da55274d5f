import Dispatch
import Foundation
import GRDB

extension SQLiteLedger {
    /// Copies the database of a running or a stopped server into a new file, by SQLite's online backup, and
    /// proves that the copy is sound. The source is opened for reading only, in one snapshot: the server that
    /// writes it goes on, and what it commits meanwhile is not in the copy.
    ///
    /// - Returns: Purchases in the copy.
    /// - Throws: ``InventoryError`` with `.databaseUnusable` and a sentence; also when the copy's file exists.
    public static func backUp(databaseAt source: String, to path: String) async throws(InventoryError) -> Int
    {
        guard FileManager.default.fileExists(atPath: source) else {
            throw InventoryError(.databaseUnusable, "there is no database \(source)")
        }
        guard !FileManager.default.fileExists(atPath: path) else {
            throw InventoryError(.databaseUnusable, "\(path) exists already; a backup overwrites nothing")
        }
        let result = await withCheckedContinuation { answer in
            // The copy takes as long as the file is large: not on a thread that others wait for.
            DispatchQueue.global().async {
                answer.resume(returning: Result { try copy(source, to: path) })
            }
        }
        do {
            return try result.get()
        } catch let error as InventoryError {
            throw error
        } catch {
            throw InventoryError(
                .databaseUnusable, "cannot write the backup \(path): \(sentence(error))", underlying: error)
        }
    }

    private static func copy(_ source: String, to path: String) throws -> Int {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        let original = try DatabaseQueue(path: source, configuration: configuration)
        let copy = try DatabaseQueue(path: path)
        try original.backup(to: copy)
        try original.close()
        let (verdict, strays, purchases) = try copy.read { database in
            (
                try String.fetchOne(database, sql: "PRAGMA integrity_check") ?? "no answer",
                try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count,
                try Int.fetchOne(database, sql: "SELECT count(*) FROM purchases") ?? 0
            )
        }
        try copy.close()
        guard verdict == "ok", strays == 0 else {
            throw InventoryError(
                .databaseUnusable, "the backup \(path) is damaged: \(verdict), \(strays) rows without parent")
        }
        return purchases
    }
}
