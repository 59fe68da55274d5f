import Foundation
import GRDB
import LabProcesses
import LockStrategies
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct RestoreTests {
    private func refusal(
        _ backup: String, to path: String, replacing: Bool = false
    ) async throws -> InventoryError? {
        do throws(InventoryError) {
            _ = try await SQLiteLedger.restore(backupAt: backup, to: path, replacing: replacing)
            return nil
        } catch {
            return error
        }
    }

    /// Names beside each other in a directory, without lock files and the source of the backup: who reads a
    /// database in WAL mode leaves its log and index beside it.
    private func names(_ directory: TemporaryDirectory) throws -> Set<String> {
        Set(
            try FileManager.default.contentsOfDirectory(atPath: directory.path)
                .filter { !$0.hasSuffix(".lock") && !$0.hasPrefix("source.") })
    }

    private func backedUp(_ directory: TemporaryDirectory) async throws -> String {
        let source = directory.file("source.sqlite")
        try await SmallLedger.make(at: source)
        let backup = directory.file("backup.sqlite")
        _ = try await SQLiteLedger.backUp(
            databaseAt: source, to: backup, clock: WallClock { SmallLedger.time(10) })
        return backup
    }

    @Test("A backup comes back whole, says how far behind it is, and is one file")
    func whole() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = try await backedUp(directory)
        #expect(try names(directory) == ["backup.sqlite"])
        let path = directory.file("restored.sqlite")
        let report = try await SQLiteLedger.restore(
            backupAt: backup, to: path, clock: WallClock { SmallLedger.time(70) })
        #expect(report.users == 1 && report.products == 1 && report.purchases == 3)
        #expect(report.unitsSupplied == 10 && report.unitsSold == 3)
        #expect(report.lastPurchase == SmallLedger.time(2) && report.newestRow == SmallLedger.time(2))
        #expect(report.backedUp == .noted(SmallLedger.time(10)))
        #expect(report.newestRowAge == .seconds(8) && report.backupAge == .seconds(60))
        #expect(report.kept == nil && report.newSteps.isEmpty && report.duration > .zero)
        #expect(try names(directory) == ["backup.sqlite", "restored.sqlite"])
        let ledger = try await SQLiteLedger.open(path: path)
        let key = try IdempotencyKey("k2")
        guard case .purchase = try await ledger.answer(to: SmallLedger.user, under: key) else {
            Issue.record("the purchase under k2 is missing")
            return
        }
        #expect(try await ledger.product(SmallLedger.product)?.sold == 3)
        await ledger.close()
        directory.remove()
    }

    @Test(
        "What was given out after the backup is given out again by no restore of it: numbers, versions of tokens, epochs"
    )
    func beginsAnew() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = try await backedUp(directory)
        var numbers: Set<Int64> = [1]
        var versions: Set<Int64> = [1]
        var epochs: Set<Int64> = [1]
        for restore in 1...2 {
            let path = directory.file("restored-\(restore).sqlite")
            _ = try await SQLiteLedger.restore(
                backupAt: backup, to: path, clock: WallClock { SmallLedger.time(70 + Int64(restore)) })
            let ledger = try await SQLiteLedger.open(path: path)
            guard case .created(let user) = try await ledger.createUser(.sample("bea")) else {
                Issue.record("no user")
                return
            }
            #expect(numbers.insert(user.id.rawValue).inserted)
            let product = try await ledger.createProduct(
                try NewProduct(name: "more", price: 1, initialStock: 1), actor: user.id,
                at: SmallLedger.time(71))
            #expect(product.id.rawValue > 1_826_000_070_000_000)
            #expect(product.id.rawValue < 1 << 53)
            let version = try #require(try await ledger.standing(of: SmallLedger.user)?.tokenVersion)
            #expect(versions.insert(version).inserted)
            let epoch = try #require(try await ledger.stockAccount(SmallLedger.product)).epoch
            #expect(epochs.insert(epoch.number).inserted)
            await ledger.close()
        }
        directory.remove()
    }

    enum Fault: CaseIterable, Sendable {
        case missing, noDatabase, noLedger, damagedPage, damagedLog, newer, altered, oversold
        case contradicting, served, placeTaken, placeHasLog, placeServed, placeIsFolder
    }

    /// - Returns: What the refusal has to say, and the ledger that stays open meanwhile.
    private func commit(
        _ fault: Fault, _ backup: String, _ path: String
    ) async throws -> (String, SQLiteLedger?) {
        var held: SQLiteLedger?
        let sentence: String
        switch fault {
        case .missing:
            try FileManager.default.removeItem(atPath: backup)
            sentence = "there is no backup"
        case .noDatabase:
            try Data(String(repeating: "no database ", count: 1000).utf8).write(to: URL(filePath: backup))
            sentence = "not a SQLite database"
        case .noLedger:
            try FileManager.default.removeItem(atPath: backup)
            try await SmallLedger.change(backup, "CREATE TABLE something (a)")
            sentence = "holds no ledger"
        case .damagedPage:
            var bytes = try Data(contentsOf: URL(filePath: backup))
            for place in stride(from: 4096, to: bytes.count, by: 4096) { bytes[place] ^= 1 }
            try bytes.write(to: URL(filePath: backup))
            sentence = "damaged"
        case .damagedLog:
            try Data(repeating: 7, count: 5000).write(to: URL(filePath: backup + "-wal"))
            sentence = "-wal is damaged in its first bytes"
        case .newer:
            try await SmallLedger.change(backup, "INSERT INTO grdb_migrations VALUES ('from the future')")
            sentence = "newer version"
        case .altered:
            try await SmallLedger.change(backup, "DELETE FROM schema_steps WHERE name LIKE '1 %'")
            sentence = "with another text"
        case .oversold:
            try await SmallLedger.change(backup, "UPDATE products SET supplied = 2")
            sentence = "CHECK constraint failed in products"
        case .contradicting:
            try await SmallLedger.change(backup, "DELETE FROM purchases WHERE id = 3")
            sentence = "product 1: 3 units sold, and purchases of 2"
        case .served:
            held = try await SQLiteLedger.open(path: backup)
            sentence = "it is a ledger and no backup"
        case .placeTaken:
            try Data("mine".utf8).write(to: URL(filePath: path))
            sentence = "place.sqlite exists already"
        case .placeHasLog:
            try Data("mine".utf8).write(to: URL(filePath: path + "-wal"))
            sentence = "place.sqlite-wal exists already"
        case .placeServed:
            held = try await SQLiteLedger.open(path: path)
            sentence = "another server is using"
        case .placeIsFolder:
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            sentence = "is no file"
        }
        return (sentence, held)
    }

    @Test(
        "What must not be restored is refused with a sentence, and the place is as it was",
        arguments: Fault.allCases)
    func refused(fault: Fault) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = try await backedUp(directory)
        let path = directory.file("place.sqlite")
        let (sentence, held) = try await commit(fault, backup, path)
        let before = try names(directory)
        let error = try await refusal(backup, to: path, replacing: fault == .placeServed)
        #expect(error?.context.contains(sentence) == true, "\(String(describing: error))")
        #expect([.databaseUnusable, .databaseLocked, .schemaTooNew].contains(error?.code))
        #expect(try names(directory) == before)
        if fault == .placeTaken { #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8)) }
        await held?.close()
        directory.remove()
    }

    @Test("A ledger that gives way is kept with its log: what a killed server had only in the log is there")
    func keepsOld() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = try await backedUp(directory)
        let path = directory.file("place.sqlite")
        let living = directory.file("living.sqlite")
        try await SmallLedger.make(at: living)
        let ledger = try await SQLiteLedger.open(path: living)
        try await SmallLedger.sell(in: ledger, key: "only-in-the-log")
        // As a kill leaves them.
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: living + suffix, toPath: path + suffix)
        }
        await ledger.close()
        #expect(try await refusal(backup, to: path)?.context.contains("--replace") == true)
        let report = try await SQLiteLedger.restore(backupAt: backup, to: path, replacing: true)
        let kept = try #require(report.kept)
        #expect(kept.hasPrefix(path + ".replaced-"))
        #expect(!NewFile.exists(path + "-wal"))
        #expect(try await SmallLedger.value(path, "SELECT count(*) FROM purchases") == "3")
        let lost = "SELECT count(*) FROM purchases WHERE idempotency_key = 'only-in-the-log'"
        #expect(try await SmallLedger.value(kept, lost) == "1")
        directory.remove()
    }

    @Test("A log without its database is not taken for the restored ledger's")
    func orphanedLog() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = try await backedUp(directory)
        let path = directory.file("place.sqlite")
        let ledger = try await SQLiteLedger.open(path: path)
        let log = try Data(contentsOf: URL(filePath: path + "-wal"))
        await ledger.close()
        try FileManager.default.removeItem(atPath: path)
        try log.write(to: URL(filePath: path + "-wal"))
        let report = try await SQLiteLedger.restore(backupAt: backup, to: path, replacing: true)
        let kept = try #require(report.kept)
        #expect(try Data(contentsOf: URL(filePath: kept + "-wal")) == log)
        #expect(try await SmallLedger.value(path, "SELECT count(*) FROM purchases") == "3")
        #expect(!NewFile.exists(kept))
        directory.remove()
    }

    @Test("A backup of an older schema is brought up to date; one that notes no time is dated by its file")
    func older() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = directory.file("old.sqlite")
        let queue = try DatabaseQueue(path: backup)
        try Migrations.migrator(Array(Migrations.steps.prefix(2))).migrate(queue)
        try queue.close()
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_826_000_000)], ofItemAtPath: backup)
        let path = directory.file("place.sqlite")
        let report = try await SQLiteLedger.restore(
            backupAt: backup, to: path, clock: WallClock { SmallLedger.time(5) })
        #expect(report.newSteps == Migrations.steps.dropFirst(2).map(\.name))
        #expect(report.backedUp == .file(SmallLedger.time(0)) && report.backupAge == .seconds(5))
        #expect(report.lastPurchase == nil && report.newestRowAge == .zero)
        let ledger = try await SQLiteLedger.open(path: path)
        #expect(ledger.copyBefore == nil)
        await ledger.close()
        // The backup itself stays as it was, for the version that wrote it.
        let standing = await LedgerInspection.of(path: backup).schema
        #expect(standing == .older)
        directory.remove()
    }

    @Test(
        "After a restore every layout of the stock is filled by name, not by counting, and sells from there",
        arguments: ReconciledShop.strategies)
    func everyLayout(strategy: StrategyEntry) async throws {
        try await ReconciledShop.run(strategy) { shop async throws in
            let product = try await shop.product(units: 40)
            #expect(try await shop.buy(product, 3) == .purchased)
            // As a restore leaves them; the sums agree, so only the name tells that the filling is another
            // one.
            for year: Int64 in [1_826_000_000, 8_000_000_000] {
                try await shop.ledger.pool.write { database in
                    try database.execute(sql: "UPDATE products SET epoch = ?", arguments: [year])
                }
                let report = try await shop.reconcile()
                #expect(report.entries.map(\.filled) == ["outdated"])
                #expect(report.driftUnits == 0 && !report.hasProblems)
                #expect(try await shop.isConserved(product))
                for _ in 0..<5 { #expect(try await shop.buy(product) == .purchased) }
                #expect(try await shop.isConserved(product))
                #expect(try await shop.reconcile().entries.isEmpty)
            }
            #expect(try await shop.ledger.stockAccount(product)?.sold == 13)
        }
    }

    @Test("What a killed backup or restore left is told or cleared away")
    func leftovers() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-restore")
        let backup = try await backedUp(directory)
        let path = directory.file("place.sqlite")
        try Data("half".utf8).write(to: URL(filePath: path + ".partial"))
        _ = try await SQLiteLedger.restore(backupAt: backup, to: path)
        #expect(!NewFile.exists(path + ".partial"))
        let second = directory.file("second")
        try Data("half".utf8).write(to: URL(filePath: second + ".partial"))
        let code = try await code {
            _ = try await SQLiteLedger.backUp(databaseAt: path, to: second)
        }
        #expect(code == .databaseUnusable)
        #expect(try Data(contentsOf: URL(filePath: second + ".partial")) == Data("half".utf8))
        directory.remove()
    }
}
