import Foundation
import InventoryService
import LabProcesses

/// A file that `pg_dump --format=custom` wrote, as far as it can be judged without a database.
struct PostgresArchive: Sendable {
    let path: String
    /// When it was begun, to the second.
    let taken: Timestamp?

    /// Looks at a file and reads all of it once.
    ///
    /// - Throws: ``InventoryError`` with `.databaseUnusable` for a file that is no whole copy of a ledger.
    init(at path: String, by tool: PostgresTool) async throws {
        try Self.checkKind(of: path)
        let folder = try TemporaryDirectory(prefix: "lab-archive")
        defer { folder.remove() }
        let file = folder.file("list")
        do {
            try await tool.run(["--file=/dev/null", path])
            try await tool.run(["--list", "--file=\(file)", path])
        } catch let error as InventoryError {
            throw InventoryError(
                .databaseUnusable,
                "the backup \(path) is damaged, or of a newer PostgreSQL than \(tool.path) (\(error.context)); "
                    + "take another one", underlying: error)
        }
        let list = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isNewline)
        let hasLedger = ["schema_steps", "purchases", "stock_origin"].allSatisfy { table in
            list.contains { $0.contains(" TABLE DATA ") && $0.contains(" \(table) ") }
        }
        guard hasLedger else {
            throw InventoryError(.databaseUnusable, "\(path) holds no ledger; is it the right file?")
        }
        self.path = path
        taken = list.lazy.compactMap { Self.time(in: $0) }.first
    }

    /// What the first bytes say.
    static func checkKind(of path: String) throws(InventoryError) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw InventoryError(.databaseUnusable, "there is no backup \(path), or it cannot be read")
        }
        let start = String(decoding: (try? file.read(upToCount: 16)) ?? Data(), as: UTF8.self)
        try? file.close()
        if start.hasPrefix("PGDMP") { return }
        throw InventoryError(
            .databaseUnusable,
            start.hasPrefix("SQLite format 3")
                ? "\(path) is a backup of a ledger on SQLite: restore it to sqlite:PATH, and move that ledger "
                    + "with: lab-server migrate --from sqlite:PATH --to postgres://…"
                : "\(path) is no backup of a ledger on PostgreSQL; make one with: lab-server backup")
    }

    /// "; Archive created at 2026-01-31 09:30:00 UTC", with indentation.
    private static func time(in line: Substring) -> Timestamp? {
        let pattern = /Archive created at ([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) UTC/
        guard let found = line.firstMatch(of: pattern) else { return nil }
        return Timestamp(stored: "\(found.1)T\(found.2).000000Z")
    }
}
