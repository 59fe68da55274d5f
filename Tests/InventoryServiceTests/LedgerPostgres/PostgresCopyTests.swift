import Foundation
import LabProcesses
import LabTesting
import LockStrategies
import PostgresClient
import Testing

@testable import InventoryService
@testable import LedgerPostgres

/// Backups of a ledger on PostgreSQL, and what restores make of them.
@Suite(
    "Copies of a ledger on PostgreSQL",
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresCopyTests {
    private func run(_ text: String, on endpoint: PostgresEndpoint) async throws -> [PostgresRow] {
        let pool = PostgresPool(endpoint, .init(connections: 1))
        defer { pool.close() }
        return try await pool.run(PostgresStatement(nil, text).with()).first?.rows ?? []
    }

    /// What a person with `psql` could do to a database: its constraints hold nobody back.
    private func change(_ text: String, on endpoint: PostgresEndpoint) async throws {
        _ = try await run(
            """
            DO $$ DECLARE found record; BEGIN
                FOR found IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                    WHERE contype = 'c' AND conrelid = 'products'::regclass
                LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.place, found.conname); END LOOP;
            END $$
            """, on: endpoint)
        for statement in text.split(separator: "; ") { _ = try await run(String(statement), on: endpoint) }
    }

    /// The small ledger, and a backup of it.
    private func backedUp(_ directory: TemporaryDirectory, _ text: String = "") async throws -> String {
        let source = try await PostgresDatabases.make()
        let ledger = try await PostgresLedger.open(source, settings: .unsynced)
        try await SmallLedger.fill(ledger)
        await ledger.close()
        if !text.isEmpty { try await change(text, on: source) }
        let backup = directory.file("backup.pgdump")
        #expect(try await PostgresLedger.backUp(source, to: backup) >= 2)
        return backup
    }

    private func restore(
        _ backup: String, to endpoint: PostgresEndpoint, isDrill: Bool = false,
        at time: Timestamp = SmallLedger.time(70)
    ) async throws(InventoryError) -> RestoreReport {
        try await PostgresLedger.restore(
            backupAt: backup, to: endpoint, isDrill: isDrill, settings: .unsynced, clock: WallClock { time })
    }

    private func refusal(_ backup: String, to endpoint: PostgresEndpoint) async -> InventoryError? {
        do throws(InventoryError) {
            _ = try await restore(backup, to: endpoint)
            return nil
        } catch {
            return error
        }
    }

    @Test("A backup comes back whole, is readable for its owner only, and says when it was made")
    func whole() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-copy")
        let before = WallClock.system.now
        let backup = try await backedUp(directory)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["backup.pgdump"])
        let mode = try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let endpoint = try await PostgresDatabases.make()
        let report = try await restore(backup, to: endpoint, at: WallClock.system.now)
        #expect(report.users == 1 && report.products == 1 && report.purchases == 3)
        #expect(report.unitsSupplied == 10 && report.unitsSold == 3)
        #expect(report.lastPurchase == SmallLedger.time(2) && report.newestRow == SmallLedger.time(2))
        guard case .noted(let taken) = report.backedUp else {
            Issue.record("the backup does not say when it was made")
            return
        }
        #expect(taken.seconds >= before.seconds && taken <= WallClock.system.now)
        #expect(report.kept == nil && report.newSteps.isEmpty && report.duration > .zero)
        let ledger = try await PostgresLedger.open(endpoint, settings: .unsynced)
        let key = try IdempotencyKey("k2")
        guard case .purchase = try await ledger.answer(to: SmallLedger.user, under: key) else {
            Issue.record("the purchase under k2 is missing")
            return
        }
        #expect(try await ledger.product(SmallLedger.product)?.sold == 3)
        await ledger.close()
        directory.remove()
    }

    @Test("What was given out after the backup is given out again by no restore of it")
    func beginsAnew() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-copy")
        let backup = try await backedUp(
            directory, "INSERT INTO servers VALUES (5, clock_timestamp() + interval '1 day')")
        var numbers: Set<Int64> = [1]
        var versions: Set<Int64> = [1]
        var epochs: Set<StockEpoch> = []
        for number in 1...3 {
            let endpoint = try await PostgresDatabases.make()
            _ = try await restore(
                backup, to: endpoint, isDrill: number == 3, at: SmallLedger.time(70 + Int64(number)))
            let ledger = try await PostgresLedger.open(endpoint, settings: .unsynced)
            guard case .created(let user) = try await ledger.createUser(.sample("bea")) else {
                Issue.record("no user")
                return
            }
            #expect(numbers.insert(user.id.rawValue).inserted)
            let product = try await ledger.createProduct(
                try NewProduct(name: "more", price: 1, initialStock: 1), actor: user.id,
                at: SmallLedger.time(71))
            #expect((1_826_000_070_000_000..<1 << 53).contains(product.id.rawValue))
            let version = try #require(try await ledger.standing(of: SmallLedger.user)?.tokenVersion)
            #expect(versions.insert(version).inserted)
            let epoch = try #require(try await ledger.stockAccount(SmallLedger.product)).epoch
            #expect(epoch.number > 1 && epochs.insert(epoch).inserted)
            await ledger.close()
            let company = try await run(
                """
                SELECT (SELECT count(*) FROM servers WHERE id = 5), (SELECT fence FROM reconcile_turn),
                    nextval(pg_get_serial_sequence('servers', 'id'))
                """, on: endpoint)
            #expect(try company[0].number(0) == 0, "a server of before still has its lease")
            let seconds = SmallLedger.time(70).seconds
            #expect(try company[0].number(1) > seconds && company[0].number(2) > seconds)
            #expect(try company[0].number(2) < 1 << 32)
        }
        // The heirs have the name of the lost ledger in Redis; the drill has one of its own.
        #expect(Set(epochs.map(\.origin)).count == 2)
        directory.remove()
    }

    enum Fault: CaseIterable, Sendable {
        case missing, foreignFile, fileOfSQLite, cut, flipped, noLedger, newer, altered, contradicting
        case placeTaken, placeServed, placeUnfinished
    }

    /// - Returns: The backup, and what the refusal has to say.
    private func commit(
        _ fault: Fault, _ directory: TemporaryDirectory, _ place: PostgresEndpoint
    ) async throws -> (backup: String, sentence: String) {
        func damaged(_ change: (inout Data) -> Void) async throws -> String {
            let backup = try await backedUp(directory)
            var bytes = try Data(contentsOf: URL(filePath: backup))
            change(&bytes)
            try bytes.write(to: URL(filePath: backup))
            return backup
        }
        switch fault {
        case .missing: return (directory.file("none"), "there is no backup")
        case .foreignFile:
            return (try await damaged { $0 = Data("CREATE TABLE users ()".utf8) }, "is no backup of a ledger")
        case .fileOfSQLite:
            return (try await damaged { $0 = Data("SQLite format 3\0".utf8) }, "lab-server migrate --from")
        case .cut: return (try await damaged { $0 = $0.prefix($0.count - 400) }, "is damaged")
        case .flipped:
            return (try await damaged { for place in 6000..<6100 { $0[place] ^= 255 } }, "is damaged")
        case .noLedger:
            let foreign = try await PostgresDatabases.make()
            _ = try await run("CREATE TABLE users (mine int)", on: foreign)
            let file = directory.file("foreign")
            let tool = try await PostgresTool.find(.dump, for: 1)
            try await tool.run(["--format=custom", "--file=\(file)"], on: foreign)
            return (file, "holds no ledger")
        case .newer:
            let text = "INSERT INTO schema_steps VALUES ('99 from the future', repeat('0', 64))"
            return (try await backedUp(directory, text), "newer version")
        case .altered:
            let text = "UPDATE schema_steps SET sha256 = repeat('0', 64) WHERE name LIKE '5 %'"
            return (try await backedUp(directory, text), "with another text")
        case .contradicting:
            return (
                try await backedUp(directory, "DELETE FROM purchases WHERE id = 3"),
                "product 1: 3 units sold, and purchases of 2"
            )
        case .placeTaken:
            _ = try await run("CREATE TABLE mine (a int)", on: place)
            return (try await backedUp(directory), "is not empty, it holds public.mine")
        case .placeServed:
            await (try PostgresLedger.open(place, settings: .unsynced)).close()
            return (try await backedUp(directory), "is not empty")
        case .placeUnfinished:
            let filling = try await LedgerFilling.open(place, .ledger(origin: "x"), .unsynced)
            try await filling.mark {}
            filling.connection.close()
            return (try await backedUp(directory), "holds half a ledger")
        }
    }

    private static let tables = """
        SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1
        """

    @Test(
        "What must not be restored is refused with a sentence, and the database is as it was",
        arguments: Fault.allCases)
    func refused(fault: Fault) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-copy")
        let place = try await PostgresDatabases.make()
        let (backup, sentence) = try await commit(fault, directory, place)
        let before = try await run(Self.tables, on: place)
        let error = await refusal(backup, to: place)
        #expect(error?.context.contains(sentence) == true, "\(String(describing: error))")
        #expect(error?.context.contains("\n") == false)
        #expect([.databaseUnusable, .schemaTooNew].contains(error?.code))
        #expect(try await run(Self.tables, on: place) == before)
        directory.remove()
    }

    @Test("A restore that was killed leaves a database that no server takes, and the next restore does")
    func unfinished() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-copy")
        let backup = try await backedUp(directory)
        let place = try await PostgresDatabases.make()
        let filling = try await LedgerFilling.open(place, .backup, .unsynced)
        try await filling.mark {}
        _ = try await filling.run("CREATE TABLE users (half int)")
        // While it is at work, no other one is.
        #expect(await refusal(backup, to: place)?.code == .databaseLocked)
        filling.connection.close()
        do throws(InventoryError) {
            await (try PostgresLedger.open(place, settings: .unsynced)).close()
            Issue.record("a server has half a ledger")
        } catch {
            #expect(error.code == .databaseUnusable && error.context.contains("holds half a ledger"))
        }
        let copy = directory.file("half")
        do throws(InventoryError) {
            _ = try await PostgresLedger.backUp(place, to: copy)
            Issue.record("half a ledger was copied")
        } catch {
            #expect(!NewFile.exists(copy) && !NewFile.exists(copy + ".partial"))
        }
        // The connection that held the lock may not be gone yet.
        var error = await refusal(backup, to: place)
        while error?.code == .databaseLocked { error = await refusal(backup, to: place) }
        #expect(error == nil, "\(String(describing: error))")
        let ledger = try await PostgresLedger.open(place, settings: .unsynced)
        #expect(try await ledger.product(SmallLedger.product)?.sold == 3)
        await ledger.close()
        directory.remove()
    }

    @Test("A backup overwrites nothing, and copies no database without a ledger")
    func refusedBackups() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-copy")
        let backup = try await backedUp(directory)
        let before = try Data(contentsOf: URL(filePath: backup))
        let place = try await PostgresDatabases.make()
        func refusal(_ path: String) async -> String {
            do throws(InventoryError) {
                return "\(try await PostgresLedger.backUp(place, to: path))"
            } catch {
                return error.context
            }
        }
        #expect(await refusal(backup).contains("a backup overwrites nothing"))
        #expect(try Data(contentsOf: URL(filePath: backup)) == before)
        #expect(await refusal(directory.file("new")).contains("holds no ledger"))
        try Data().write(to: URL(filePath: directory.file("killed.partial")))
        await (try PostgresLedger.open(place, settings: .unsynced)).close()
        #expect(await refusal(directory.file("killed")).contains("killed.partial exists"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
                == ["backup.pgdump", "killed.partial"])
        directory.remove()
    }

    @Test(
        "Each contradiction that is planted is named, as on SQLite",
        arguments: [
            ("", []),
            (
                "UPDATE products SET supplied = 2; UPDATE stock_movements SET delta = 2",
                ["product 1: 3 units sold of 2"]
            ),
            ("UPDATE products SET sold = 2", ["product 1: 2 units sold, and purchases of 3"]),
            ("UPDATE products SET supplied = 11", ["product 1: 11 units supplied, and movements of 10"]),
            (
                "DROP INDEX purchases_by_idempotency_key; UPDATE purchases SET idempotency_key = 'k1' WHERE id = 2",
                ["user 1: 2 purchases under one idempotency key"]
            ),
            (
                "INSERT INTO refused_purchases VALUES (1, 'k3', 1, 1, 'sold-out', '')",
                ["purchase 3: its user was told under the same key that it was refused"]
            ),
            (
                "INSERT INTO ended_reservations SELECT reservation_id, '' FROM purchases WHERE id = 1",
                ["purchase 1: its reservation had ended without a sale"]
            ),
        ] as [(String, [String])])
    func planted(text: String, expected: [String]) async throws {
        let endpoint = try await PostgresDatabases.make()
        let ledger = try await PostgresLedger.open(endpoint, settings: .unsynced)
        try await SmallLedger.fill(ledger)
        await ledger.close()
        try await change(text, on: endpoint)
        let connection = try await PostgresConnection.open(endpoint, within: .seconds(10))
        defer { connection.close() }
        let found = try await PostgresAudit.contradictions(on: connection, within: .seconds(60))
        #expect(found == expected)
        #expect(try await PostgresAudit.danglingRows(on: connection, within: .seconds(60)) == 0)
        _ = try await connection.run(
            [
                PostgresStatement(nil, "ALTER TABLE purchases DISABLE TRIGGER ALL").with(),
                PostgresStatement(nil, "ALTER TABLE products DISABLE TRIGGER ALL").with(),
                PostgresStatement(nil, "DELETE FROM products").with(),
            ], within: .seconds(60))
        // Three purchases and a movement.
        #expect(try await PostgresAudit.danglingRows(on: connection, within: .seconds(60)) == 4)
    }
}
