import Foundation
import GRDB
import LabProcesses
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct MigrationTests {
    private func sentence(of body: () async throws -> Void) async throws -> String? {
        do {
            try await body()
            return nil
        } catch let error as InventoryError {
            return error.context
        }
    }

    /// A ledger as the version before the checksums left it, with one user.
    private func oldLedger(_ path: String) async throws {
        let queue = try DatabaseQueue(path: path)
        try Migrations.migrator(Array(Migrations.steps.prefix(3))).migrate(queue)
        try await queue.write { database in
            try database.execute(
                sql: """
                    INSERT INTO users (username, hashed_password, created_at, updated_at)
                    VALUES ('ann', 'x', '2026-01-31T09:30:00.000000Z', '2026-01-31T09:30:00.000000Z')
                    """)
        }
        try queue.close()
    }

    private func copies(in directory: TemporaryDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.contains(".before-migration-") }.sorted()
    }

    private func standing(_ path: String) async throws -> LedgerInspection.Schema {
        let queue = try DatabaseQueue(path: path)
        let standing = try await queue.read { try Migrations.standing(of: $0) }
        try queue.close()
        return standing
    }

    @Test("A step that was released is never changed: its text has this checksum")
    func released() {
        #expect(
            Migrations.steps.map { "\($0.name): \($0.checksum.prefix(16))" } == [
                "1 users, products, movements, purchases: 32503986346e1cfc",
                "2 fillings of stock, ended reservations, refusals: ecab4078d3597e49",
                "users: token version, disabled: db60a4b1a21796d7",
                "4 checksums of steps, time of a backup: a292ae368abcec58",
                "5 refusals by time: fed1bb76e62b4e1b",
                "6 servers that share the ledger: af9452bf85309632",
            ])
        #expect(MigrationStep("empty", [""]).checksum.hasPrefix("e3b0c44298fc1c14"), "SHA-256 of nothing")
    }

    @Test("A new ledger has the checksum of each step, and makes no copy of nothing")
    func fresh() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-migration")
        let path = directory.file("l.sqlite")
        let ledger = try await SQLiteLedger.open(path: path)
        #expect(ledger.copyBefore == nil)
        let noted = try await ledger.pool.read { database in
            try Row.fetchAll(database, sql: "SELECT name, sha256 FROM schema_steps").map {
                "\($0["name"] as String) \($0["sha256"] as String)"
            }
        }
        #expect(Set(noted) == Set(Migrations.steps.map { "\($0.name) \($0.checksum)" }))
        await ledger.close()
        #expect(try copies(in: directory).isEmpty)
        directory.remove()
    }

    @Test("A ledger that went through another text of a step is refused by the step's name")
    func altered() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-migration")
        let path = directory.file("l.sqlite")
        try await SmallLedger.make(at: path)
        try await SmallLedger.change(
            path, "UPDATE schema_steps SET sha256 = replace(hex(zeroblob(32)), 'x', '') WHERE name LIKE '2 %'"
        )
        let refusal = try await sentence { _ = try await SQLiteLedger.open(path: path) }
        #expect(refusal?.contains("step \"2 fillings of stock, ended reservations, refusals\"") == true)
        #expect(try await SmallLedger.value(path, "SELECT count(*) FROM purchases") == "3")
        let inspected = await LedgerInspection.of(path: path).schema
        #expect(inspected == .altered(step: "2 fillings of stock, ended reservations, refusals"))
        directory.remove()
    }

    @Test("An older ledger is copied before its schema changes; the copy is the ledger as it was")
    func copyBefore() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-migration")
        let path = directory.file("l.sqlite")
        try await oldLedger(path)
        #expect(try await standing(path) == .older)
        let ledger = try await SQLiteLedger.open(path: path)
        let copy = try #require(ledger.copyBefore)
        #expect(try await ledger.user(UserID(1))?.username == "ann")
        await ledger.close()
        #expect(try await standing(path) == .current)
        #expect(try await standing(copy) == .older)
        #expect(try await SmallLedger.value(copy, "SELECT username FROM users") == "ann")
        // The next start changes nothing.
        let again = try await SQLiteLedger.open(path: path)
        #expect(again.copyBefore == nil)
        await again.close()
        #expect(try copies(in: directory).count == 1)
        directory.remove()
    }

    @Test("Without its copy the schema is not changed, unless none is wanted")
    func copyFails() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-migration")
        let path = directory.file("l.sqlite")
        try await oldLedger(path)
        let clock = WallClock { Timestamp(microseconds: 1_800_000_000_000_000) }
        try Data().write(
            to: URL(filePath: path + ".before-migration-" + clock.now.compact))
        let refusal = try await sentence { _ = try await SQLiteLedger.open(path: path, clock: clock) }
        #expect(refusal?.contains("exists already; a backup overwrites nothing") == true)
        #expect(try await standing(path) == .older)
        let ledger = try await SQLiteLedger.open(path: path, keepsCopy: false, clock: clock)
        #expect(ledger.copyBefore == nil)
        await ledger.close()
        #expect(try await standing(path) == .current)
        directory.remove()
    }

    @Test("A step that fails in its middle leaves nothing of itself, and the steps before it stand")
    func failedStep() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-migration")
        let path = directory.file("l.sqlite")
        let queue = try DatabaseQueue(path: path)
        let broken = MigrationStep("5 broken", ["CREATE TABLE more (a)", "INSERT INTO nothing VALUES (1)"])
        let migrator = Migrations.migrator(Migrations.steps + [broken])
        #expect(throws: DatabaseError.self) { try migrator.migrate(queue) }
        let (tables, noted) = try await queue.read { database in
            (
                try database.tableExists("more"),
                try Int.fetchOne(database, sql: "SELECT count(*) FROM schema_steps")
            )
        }
        #expect(!tables && noted == Migrations.steps.count)
        try queue.close()
        #expect(try await standing(path) == .current)
        directory.remove()
    }
}
