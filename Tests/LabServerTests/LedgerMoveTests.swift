import Foundation
import GRDB
import InventoryService
import LabProcesses
import LabTesting
import LedgerPostgres
import LedgerSQLite
import PostgresClient
import Testing

@testable import LabServerKit

/// `lab-server migrate --from sqlite:… --to postgres://…`.
@Suite(
    "Moves of a ledger from SQLite to PostgreSQL", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct LedgerMoveTests {
    private struct Place {
        let directory: TemporaryDirectory
        let server: PostgresServerProcess
        let endpoint: PostgresEndpoint

        var file: String { directory.file("lab.sqlite") }
        var from: [String] { ["--from", "sqlite:\(file)"] }
        var to: [String] { ["--to", url, "--database-password-file", directory.file("db-password")] }
        var url: String { server.url().replacing(":\(server.password)@", with: "@") }
        var atTarget: [String] {
            ["--database", url, "--database-password-file", directory.file("db-password")]
        }

        func rows(_ text: String) async throws -> [[String?]] {
            let pool = PostgresPool(endpoint, .init(connections: 1))
            defer { pool.close() }
            let rows = try await pool.run(PostgresStatement(nil, text).with()).first?.rows ?? []
            return try rows.map { row in try (0..<row.count).map { try row.optional($0) } }
        }
    }

    private func run(
        _ arguments: [String]
    ) async throws -> (status: LabProcesses.ExitStatus?, text: String) {
        let child = try await start(arguments)
        let status = await child.waitUntilExit(within: .seconds(120))
        return (status, child.lines().joined(separator: "\n"))
    }

    private func start(_ arguments: [String]) async throws -> ChildProcess {
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("LAB_") }
        return try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: environment)
    }

    /// A ledger with texts that a careless copy breaks, and with many purchases.
    private func withPlace(purchases: Int, _ body: (Place) async throws -> Void) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-move")
        try await withPostgresServer { server in
            try server.password.write(
                toFile: directory.file("db-password"), atomically: true, encoding: .utf8)
            let place = Place(
                directory: directory, server: server,
                endpoint: try PostgresEndpoint(parsing: server.url()))
            await (try SQLiteLedger.open(path: place.file)).close()
            let queue = try DatabaseQueue(path: place.file)
            try await queue.write { try Self.fill($0, purchases) }
            try queue.close()
            try await body(place)
        }
        directory.remove()
    }

    private static func fill(_ database: Database, _ purchases: Int) throws {
        let time = "2026-01-31T09:30:00.000000Z"
        try database.execute(
            sql: """
                INSERT INTO users VALUES (1, 'ann', NULL, 'x', 'admin', '\(time)', '\(time)', 3, NULL),
                    (7, 'NULL', 'a"b\\c{},@x', 'y', 'user', '\(time)', '\(time)', 1, '\(time)');
                INSERT INTO products VALUES (2, '', NULL, 0, 0, 0, '\(time)', 1, '\(time)');
                """.replacing("(2, '',", with: "(2, ' é漢🎟',"))
        try database.execute(
            sql: "INSERT INTO products VALUES (3, 'thing', ?, 9, ?, ?, '\(time)', 5, NULL)",
            arguments: ["", purchases + 1, purchases])
        try database.execute(
            sql: """
                INSERT INTO stock_movements VALUES
                    (1, 3, \(purchases + 2), 'initial stock', 1, '\(time)', NULL),
                    (4, 3, -1, 'lost', NULL, '\(time)', 'r-0');
                INSERT INTO ended_reservations VALUES ('é', '\(time)'), ('z', '\(time)'), ('Z', '\(time)');
                INSERT INTO refused_purchases VALUES (7, 'b', 3, 1, 'sold-out', '\(time)'),
                    (1, 'B', 99, 2, 'product-not-found', '\(time)'), (1, 'a', 3, 2, 'sold-out', '\(time)');
                INSERT INTO stock_servers VALUES ('run-1');
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(purchases))
                INSERT INTO purchases SELECT n, 7, 3, 1, 9, 'p-' || n, iif(n % 2, 'key ' || n, NULL), 'lua-atomic',
                    iif(n % 3, NULL, n), '\(time)' FROM numbers;
                UPDATE sqlite_sequence SET seq = \(purchases + 500) WHERE name = 'purchases';
                """)
    }

    /// All rows of a table, by a way of its own.
    private func rows(of table: String, in file: String) async throws -> Set<[String?]> {
        let queue = try DatabaseQueue(path: file)
        let rows = try await queue.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM \(table)").map { row in
                row.databaseValues.map { value -> String? in
                    if case .int64(let number) = value.storage { return "\(number)" }
                    return String.fromDatabaseValue(value)
                }
            }
        }
        try queue.close()
        return Set(rows)
    }

    @Test(
        "has all tables and columns of the ledger, but those of servers that share it and those that say what it is"
    )
    func allColumns() async throws {
        let endpoint = try await PostgresDatabases.make()
        var settings = LedgerSettings()
        settings.durability = .normal
        await (try PostgresLedger.open(endpoint, settings: settings)).close()
        let pool = PostgresPool(endpoint, .init(connections: 1))
        let found = try await pool.run(
            PostgresStatement(
                nil,
                """
                SELECT table_name || '.' || column_name, data_type FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name NOT IN ('schema_steps', 'backup_mark', 'stock_origin',
                    'servers', 'reconcile_turn', 'user_changes', 'supply_under_way')
                """
            ).with())
        pool.close()
        let columns = try (found.first?.rows ?? []).map { "\(try $0.text(0)) \(try $0.text(1))" }
        let moved = MovedTable.all.flatMap { table in
            table.columns.map { "\(table.name).\($0.name) \($0.isNumber ? "bigint" : "text")" }
        }
        #expect(moved.sorted() == columns.sorted())
    }

    @Test("A move that is killed goes on when it is run again, and ends with the same rows on both sides")
    func killed() async throws {
        try await withPlace(purchases: 60_000) { place in
            let child = try await start(["migrate"] + place.from + place.to)
            #expect(await child.line(within: .seconds(60)) { $0.hasPrefix("purchases: ") } != nil)
            await child.killNow()
            let half = try await place.rows("SELECT count(*) FROM purchases").first?.first??.description
            #expect((1..<60_000).contains(Int(half ?? "") ?? 0), "\(String(describing: half))")
            let server = try await run(["migrate"] + place.atTarget)
            #expect(server.status == .exited(73) && server.text.contains("holds half a ledger"), "\(server)")

            var moved = try await run(["migrate"] + place.from + place.to)
            // Until PostgreSQL has noticed that the killed one is gone.
            while moved.text.contains("another restore or move") {
                moved = try await run(["migrate"] + place.from + place.to)
            }
            #expect(moved.status == .exited(0), "\(moved)")
            #expect(moved.text.contains("an earlier move was not finished; this one goes on with it"))
            #expect(moved.text.contains("purchases: 60000 rows, the same on both sides, SHA-256 "))
            #expect(moved.text.hasSuffix("and with the same Redis"), "\(moved)")
            for table in MovedTable.all.map(\.name) + ["stock_origin"] {
                let copies = try await place.rows("SELECT * FROM \(table)")
                let originals = try await rows(of: table, in: place.file)
                #expect(copies.count == originals.count && Set(copies) == originals, "\(table) differs")
            }
            try await afterwards(place)
        }
    }

    /// Numbers go on, no server opens the file, and the command may be run again.
    private func afterwards(_ place: Place) async throws {
        for (table, next) in [("purchases", 60_501), ("users", 8), ("stock_movements", 5), ("products", 4)] {
            let name = "pg_get_serial_sequence('\(table)', 'id')"
            #expect(try await place.rows("SELECT nextval(\(name))") == [["\(next)"]])
        }
        let old = try await run(["migrate", "--database", "sqlite:\(place.file)"])
        #expect(old.status == .exited(73) && old.text.contains("was moved to PostgreSQL"), "\(old)")
        _ = try await place.rows("UPDATE products SET name = 'sold since' WHERE id = 3")
        let again = try await run(["migrate"] + place.from + place.to)
        #expect(again.status == .exited(0) && again.text.contains("before; nothing was changed"), "\(again)")
        #expect(try await place.rows("SELECT name FROM products WHERE id = 3") == [["sold since"]])
        #expect(try await run(["migrate"] + place.atTarget).status == .exited(0))
        // A backup that was made of it is a ledger again.
        let backup = place.directory.file("backup.sqlite")
        #expect(try await run(["backup", backup, "--database", "sqlite:\(place.file)"]).status == .exited(0))
        let restored = ["--database", "sqlite:\(place.directory.file("restored.sqlite"))"]
        #expect(try await run(["restore", backup] + restored).status == .exited(0))
        #expect(try await run(["migrate"] + restored).status == .exited(0))
    }

    @Test("A row that is not the same on both sides is named, and nothing becomes a ledger")
    func difference() async throws {
        try await withPlace(purchases: 10) { place in
            let source = try await SQLiteLedger.open(path: place.file)
            let target = try await PostgresIntake.open(place.endpoint, origin: source.origin)
            #expect(try await target.begin() == .fresh)
            let users = try #require(MovedTable.all.first)
            let columns = users.columns.map { SQLiteLedger.Column($0.name, isNumber: $0.isNumber) }
            let rows = try await source.rows(of: "users", columns, keys: 1, after: nil, limit: 10)
            try await target.add(rows, to: users)
            target.close()
            await source.close()
            _ = try await place.rows("UPDATE users SET role = 'admin' WHERE id = 7")
            for _ in 1...2 {
                var ended = try await run(["migrate"] + place.from + place.to)
                while ended.text.contains("another restore or move") {
                    ended = try await run(["migrate"] + place.from + place.to)
                }
                #expect(ended.status == .exited(73), "\(ended)")
                #expect(ended.text.contains("the row 7 of users is not the same on both sides"), "\(ended)")
            }
            #expect(try await run(["migrate"] + place.atTarget).text.contains("holds half a ledger"))
            #expect(try await run(["migrate", "--database", "sqlite:\(place.file)"]).status == .exited(0))
        }
    }

    @Test("What cannot be moved is refused with a sentence, and both sides are as they were")
    func refusals() async throws {
        try await withPlace(purchases: 10) { place in
            func expect(_ status: Int32, _ part: String, _ arguments: [String]) async throws {
                let ended = try await run(["migrate"] + arguments)
                #expect(ended.status == .exited(status), "\(ended)")
                #expect(ended.text.contains(part) && !ended.text.contains(place.server.password), "\(ended)")
            }
            try await expect(64, "--from sqlite:PATH and --to", place.from)
            try await expect(64, "and no --database", place.from + place.to + ["--database", "sqlite:x"])
            try await expect(64, "--to must be postgres://", place.from + ["--to", "sqlite:x"])
            try await expect(64, "--from must be sqlite:PATH", ["--from", place.url] + place.to)
            try await expect(73, "there is no database", ["--from", "sqlite:\(place.file)-none"] + place.to)
            #expect(!FileManager.default.fileExists(atPath: place.file + "-none"))
            let served = try await SQLiteLedger.open(path: place.file)
            try await expect(73, "another server is using", place.from + place.to)
            await served.close()
            _ = try await place.rows("CREATE TABLE mine (a int)")
            try await expect(73, "is not empty, and a move overwrites nothing", place.from + place.to)
            _ = try await place.rows("DROP TABLE mine")
            // A ledger of another name, with rows or without, is not this one.
            #expect(try await run(["migrate"] + place.atTarget).status == .exited(0))
            try await expect(73, "is not empty, and a move overwrites nothing", place.from + place.to)
            #expect(try await run(["migrate", "--database", "sqlite:\(place.file)"]).status == .exited(0))
        }
    }

    @Test("A text that PostgreSQL cannot keep is named with its row, and is never cut")
    func wholeTexts() async throws {
        try await withPlace(purchases: 10) { place in
            let queue = try DatabaseQueue(path: place.file)
            try await queue.write {
                try $0.execute(sql: "UPDATE products SET description = 'a' || char(0) || 'b' WHERE id = 3")
            }
            let ended = try await run(["migrate"] + place.from + place.to)
            #expect(ended.status == .exited(73), "\(ended)")
            #expect(ended.text.contains("the row 3 of products has a text in description"), "\(ended)")
            try await queue.write {
                try $0.execute(sql: "UPDATE products SET description = 'ab' WHERE id = 3")
            }
            try queue.close()
            let moved = try await run(["migrate"] + place.from + place.to)
            #expect(moved.status == .exited(0), "\(moved)")
        }
    }
}
