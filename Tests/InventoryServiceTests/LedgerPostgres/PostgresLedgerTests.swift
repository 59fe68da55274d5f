import Foundation
import GRDB
import LabProcesses
import LabTesting
import LockStrategies
import PostgresClient
import Testing

@testable import InventoryService
@testable import LedgerPostgres
@testable import LedgerSQLite

@Suite(
    "The ledger on PostgreSQL", .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresLedgerTests {
    private static let time = Timestamp(microseconds: 1_800_000_000_000_000)

    private func run(_ text: String, on endpoint: PostgresEndpoint) async throws -> [PostgresRow] {
        let pool = PostgresPool(endpoint, .init(connections: 1))
        defer { pool.close() }
        return try await pool.run(PostgresStatement(nil, text).with()).first?.rows ?? []
    }

    /// Why a ledger there cannot be opened.
    private func refusal(
        _ endpoint: PostgresEndpoint, _ settings: LedgerSettings = .unsynced
    ) async -> InventoryError? {
        do throws(InventoryError) {
            await (try PostgresLedger.open(endpoint, settings: settings)).close()
            return nil
        } catch {
            return error
        }
    }

    @Test("has the tables and columns of the ledger on SQLite, by steps of the same names")
    func dialects() async throws {
        #expect(PostgresMigrations.steps.map(\.name) == Migrations.steps.map(\.name))
        let endpoint = try await PostgresDatabases.make()
        await (try PostgresLedger.open(endpoint, settings: .unsynced)).close()
        let columns = try await run(
            """
            SELECT table_name || '.' || column_name FROM information_schema.columns
            WHERE table_schema = 'public'
            """, on: endpoint
        ).map { try $0.text(0) }
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let ledger = try await SQLiteLedger.open(path: directory.file("l.sqlite"))
        let expected = try await ledger.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
                    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'grdb_%'
                    """)
        }
        await ledger.close()
        directory.remove()
        #expect(expected.count > 30)
        #expect(columns.sorted() == expected.sorted())
    }

    @Test("refuses a database of a newer version, and one that went through other steps")
    func schema() async throws {
        let endpoint = try await PostgresDatabases.make()
        await (try PostgresLedger.open(endpoint, settings: .unsynced)).close()
        _ = try await run(
            "INSERT INTO schema_steps VALUES ('6 from the future', repeat('0', 64))", on: endpoint)
        let newer = await refusal(endpoint)
        #expect(newer?.code == .schemaTooNew)
        #expect(newer?.context.contains("newer version of lab-server") == true)
        _ = try await run("DELETE FROM schema_steps WHERE name LIKE '6%'", on: endpoint)
        _ = try await run(
            "UPDATE schema_steps SET sha256 = repeat('0', 64) WHERE name LIKE '5%'", on: endpoint)
        let altered = await refusal(endpoint)
        #expect(altered?.code == .databaseUnusable)
        #expect(altered?.context.contains("\"5 refusals by time\"") == true)
    }

    @Test("makes of a step that fails nothing at all, and is made whole by the next start")
    func brokenStep() async throws {
        let endpoint = try await PostgresDatabases.make()
        let pool = PostgresPool(endpoint, .init(connections: 1))
        let broken = PostgresMigrator(
            endpoint: endpoint,
            steps: PostgresMigrations.steps + [
                MigrationStep("6 broken", ["CREATE TABLE more (a int)", "SELECT 1/0"])
            ])
        await #expect(throws: PostgresError.self) {
            try await pool.withConnection { _ = try await broken.run(on: $0) }
        }
        pool.close()
        let tables = try await run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", on: endpoint)
        #expect(try tables[0].number(0) == 0)
        #expect(await refusal(endpoint) == nil)
    }

    @Test("is refused with one sentence where it cannot be, and none of them holds the password")
    func start() async throws {
        let endpoint = try await PostgresDatabases.make()
        var wrong = endpoint
        wrong.password = PostgresPassword("not-it")
        let password = await refusal(wrong)
        #expect(password?.code == .databaseUnusable)
        #expect(password?.context.contains("does not accept the password") == true)
        #expect("\(password.map { "\($0)" } ?? "")".contains("not-it") == false)

        let noSync = await refusal(endpoint, LedgerSettings())
        #expect(noSync?.context.contains("fsync=off") == true)

        _ = try await run(
            "ALTER DATABASE \(endpoint.database) SET default_transaction_read_only = on", on: endpoint)
        let readOnly = await refusal(endpoint)
        #expect(readOnly?.context.contains("takes no writes") == true)

        _ = try await run(
            "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
            on: PostgresEndpoint(
                hosts: endpoint.hosts, user: endpoint.user, password: endpoint.password, database: "postgres",
                tls: endpoint.tls))
        let latin = PostgresEndpoint(
            hosts: endpoint.hosts, user: endpoint.user, password: endpoint.password, database: "latin",
            tls: endpoint.tls)
        #expect(await refusal(latin)?.context.contains("needs UTF8") == true)
    }

    @Test(
        "The schema itself refuses rows that break a rule",
        arguments: [
            "UPDATE products SET sold = supplied + 1",
            "INSERT INTO products (name, price, created_at) VALUES ('a', -1, '')",
            "INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id, strategy, purchased_at) VALUES (1, 1, 0, 0, 'r', 's', '')",
            "INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id, strategy, purchased_at) VALUES (99, 1, 1, 0, 'r', 's', '')",
        ])
    func constraints(statement: String) async throws {
        let endpoint = try await PostgresDatabases.make()
        let ledger = try await PostgresLedger.open(endpoint, settings: .unsynced)
        _ = try await ledger.createUser(.sample("ann"))
        let new = try NewProduct(name: "thing", price: 300, initialStock: 5)
        _ = try await ledger.createProduct(new, actor: UserID(1), at: Self.time)
        await #expect(throws: PostgresError.self) { _ = try await run(statement, on: endpoint) }
        await ledger.close()
    }

    @Test("says of a sale whose commit was not answered that it is unknown; its reservation tells later")
    func unknownCommit() async throws {
        try await withPostgresServer(PostgresServerOptions(syncsToDisk: false)) { server in
            let endpoint = try PostgresEndpoint(parsing: server.url())
            var limits = PostgresPool.Settings()
            limits.answer = .seconds(2)
            let ledger = try await PostgresLedger.open(endpoint, settings: .unsynced, limits: limits)
            _ = try await ledger.createUser(.sample("ann"))
            let new = try NewProduct(name: "thing", price: 300, initialStock: 5)
            _ = try await ledger.createProduct(new, actor: UserID(1), at: Self.time)
            // A commit waits for a replica that does not exist.
            _ = try await run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", on: endpoint)
            _ = try await run("SELECT pg_reload_conf()", on: endpoint)
            let sale = Sale(
                reservation: ReservationID(random: .system), user: UserID(1), product: ProductID(1),
                quantity: 1, idempotencyKey: nil, strategy: "lua-atomic", fence: nil, purchasedAt: Self.time)
            #expect(try await code { _ = try await ledger.record(sale) } == .recordUnknown)
            #expect(ledger.load.failedCommits == 1)
            await server.kill()
            try await server.restart()
            #expect(try await ledger.recorded(among: [sale.reservation]) == [sale.reservation])
            #expect(try await ledger.product(ProductID(1))?.sold == 1)
            await ledger.close()
        }
    }

    @Test("refuses in bounded time while the server stands still or is away, and goes on when it is back")
    func absence() async throws {
        try await withPostgresServer(PostgresServerOptions(syncsToDisk: false)) { server in
            var settings = LedgerSettings(patience: .milliseconds(300))
            settings.durability = .normal
            let limits = PostgresPool.Settings(
                connections: 2, connect: .milliseconds(500), wait: .milliseconds(500),
                answer: .milliseconds(500))
            let ledger = try await PostgresLedger.open(
                try PostgresEndpoint(parsing: server.url()), settings: settings, limits: limits)
            let sale = Sale(
                reservation: ReservationID(random: .system), user: UserID(1), product: ProductID(1),
                quantity: 1, idempotencyKey: nil, strategy: "lua-atomic", fence: nil, purchasedAt: Self.time)
            #expect(try await ledger.record(sale) == .productNotFound)
            server.pause()
            let still = try await code { _ = try await ledger.record(sale) }
            #expect(still == .ledgerUnavailable || still == .ledgerOverloaded)
            server.resume()
            try await waitUntil { (try? await ledger.record(sale)) == .productNotFound }
            await server.kill()
            let away = try await code { _ = try await ledger.record(sale) }
            #expect(away == .ledgerUnavailable || away == .ledgerOverloaded)
            #expect(try await code { try await ledger.check() } == .ledgerUnavailable)
            try await server.restart()
            try await waitUntil { (try? await ledger.record(sale)) == .productNotFound }
            try await waitUntil { (try? await ledger.check()) != nil }
            await ledger.close()
        }
    }
}
