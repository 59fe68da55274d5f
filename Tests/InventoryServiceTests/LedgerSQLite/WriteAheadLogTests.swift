import Foundation
import GRDB
import LabProcesses
import LabTesting
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct WriteAheadLogTests {
    /// The log of a ledger with so many sales, and the path of the database; the ledger is left as if it had
    /// been killed.
    private func withLog(_ sales: Int, _ body: (String, [UInt8]) async throws -> Void) async throws {
        try await FaultyDisk.run { lab async throws in
            for _ in 0..<sales { _ = try await lab.sell() }
            let image = try lab.disk.image()
            let path = image.file("ledger.sqlite")
            let data = try Data(contentsOf: URL(filePath: path + "-wal"))
            try await body(path, [UInt8](data))
            image.remove()
        }
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(filePath: path + "-wal"))
    }

    @Test("A sound log is read to its end, as SQLite does")
    func sound() async throws {
        try await withLog(5) { path, bytes async throws in
            let log = WriteAheadLog(bytes)
            #expect(log.frames == (bytes.count - 32) / (4096 + 24))
            #expect(log.frames > 5)
            #expect(!log.isDamaged)
            #expect(WriteAheadLog.damage(ofDatabase: path) == nil)
            #expect(!WriteAheadLog([]).isDamaged)
            #expect(!WriteAheadLog([UInt8](repeating: 0, count: 8192)).isDamaged)
        }
    }

    @Test("A ledger whose log was damaged in the middle is not opened, and says where")
    func middle() async throws {
        try await withLog(20) { path, bytes async throws in
            var bytes = bytes
            // In the page of the fourth frame.
            bytes[32 + 3 * (4096 + 24) + 2000] ^= 1
            try write(bytes, path)
            let log = WriteAheadLog(bytes)
            #expect(log.frames == 3)
            #expect(log.lostCommits > 10)
            do throws(InventoryError) {
                await (try SQLiteLedger.open(path: path)).close()
                Issue.record("opened")
            } catch {
                #expect(error.code == .databaseUnusable)
                #expect(error.context.contains("damaged after frame 3"))
            }
            let inspection = await LedgerInspection.of(path: path)
            #expect(inspection.logDamage != nil)
        }
    }

    @Test("A log whose first bytes are damaged is not opened")
    func header() async throws {
        try await withLog(5) { path, bytes async throws in
            var bytes = bytes
            bytes[17] ^= 1
            try write(bytes, path)
            #expect(try await code { _ = try await SQLiteLedger.open(path: path) } == .databaseUnusable)
        }
    }

    @Test("A log that ends in the middle of a transaction is what a power cut leaves, and is opened")
    func tail() async throws {
        try await withLog(5) { path, bytes async throws in
            try write(Array(bytes.dropLast(3000)), path)
            await (try SQLiteLedger.open(path: path)).close()
        }
    }

    @Test("A database with a damaged page is not opened, with a sentence that says so")
    func page() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-page")
        let path = directory.file("l.sqlite")
        let ledger = try await SQLiteLedger.open(path: path)
        for number in 0..<50 { _ = try await ledger.createUser(.sample("user\(number)")) }
        await ledger.close()
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        // Every page but the first, so that no free one is hit by chance.
        for page in stride(from: 4096, to: bytes.count, by: 4096) {
            for place in page..<page + 16 { bytes[place] = 0xA5 }
        }
        try Data(bytes).write(to: URL(filePath: path))
        do throws(InventoryError) {
            await (try SQLiteLedger.open(path: path)).close()
            Issue.record("opened")
        } catch {
            #expect(error.code == .databaseUnusable)
            #expect(error.context.contains("damaged"), "\(error.context)")
        }
        let inspection = await LedgerInspection.of(path: path)
        #expect(inspection.failure != nil || inspection.integrity != "ok")
        directory.remove()
    }
}
