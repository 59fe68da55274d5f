import Dispatch
import Foundation
import GRDB
public import InventoryService

extension SQLiteLedger {
    /// Copies the database of a running or a stopped server into a new file, by SQLite's online backup, and
    /// proves that the copy is sound. The source is opened for reading only, in one snapshot: the server that
    /// writes it goes on, and what it commits meanwhile is not in the copy. All that was on the disk before
    /// the call is. The file has its name when it is whole and on the disk; until then `.partial` stands
    /// behind it.
    ///
    /// - Returns: Purchases in the copy.
    /// - Throws: ``InventoryError`` with `.databaseUnusable` and a sentence; also when the copy's file
    ///   exists.
    public static func backUp(
        databaseAt source: String, to path: String, clock: WallClock = .system
    ) async throws(InventoryError) -> Int {
        guard FileManager.default.fileExists(atPath: source) else {
            throw InventoryError(.databaseUnusable, "there is no database \(source)")
        }
        guard !NewFile.exists(path) else {
            throw InventoryError(.databaseUnusable, "\(path) exists already; a backup overwrites nothing")
        }
        do {
            return try await blocking { try copy(source, to: path, at: clock.now) }
        } catch let error as InventoryError {
            throw error
        } catch {
            throw InventoryError(
                .databaseUnusable, "cannot write the backup \(path): \(sentence(error))", underlying: error)
        }
    }

    /// Copies take as long as the file is large: not on a thread that others wait for.
    static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        let result = await withCheckedContinuation { answer in
            DispatchQueue.global().async { answer.resume(returning: Result { try body() }) }
        }
        return try result.get()
    }

    private static func copy(_ source: String, to path: String, at time: Timestamp) throws -> Int {
        let copy = LedgerCopy(path: path)
        try copy.begin()
        do {
            try copy.fill(from: source)
            let purchases = try copy.use { queue in
                try queue.write { try mark($0, at: time) }
                return try queue.read { database in
                    if let damage = try LedgerCopy.damage(in: database) {
                        throw InventoryError(
                            .databaseUnusable, "the copy of \(source) is damaged (\(damage)); it was not kept"
                        )
                    }
                    return try Int.fetchOne(database, sql: "SELECT count(*) FROM purchases") ?? 0
                }
            }
            try copy.publish()
            return purchases
        } catch {
            copy.discard()
            throw error
        }
    }

    /// Notes in a copy when it began; a ledger of before this note has no place for it.
    private static func mark(_ database: Database, at time: Timestamp) throws {
        guard try database.tableExists("backup_mark") else { return }
        try database.execute(
            sql: "INSERT OR REPLACE INTO backup_mark (id, taken_at) VALUES (1, ?)",
            arguments: [time.description])
    }
}
