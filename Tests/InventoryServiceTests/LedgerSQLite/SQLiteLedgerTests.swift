import Foundation
import GRDB
import LabProcesses
import LockStrategies
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite struct SQLiteLedgerTests {
    private func withLedger(_ body: (SQLiteLedger, String) async throws -> Void) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let path = directory.file("ledger.sqlite")
        let ledger = try await SQLiteLedger.open(path: path)
        try await body(ledger, path)
        await ledger.close()
        directory.remove()
    }

    private func buyer(_ ledger: SQLiteLedger, _ name: String = "buyer") async throws -> UserID {
        guard case .created(let user) = try await ledger.createUser(.sample(name)) else {
            throw ShopError.noBuyer
        }
        return user.id
    }

    private func product(_ ledger: SQLiteLedger, _ user: UserID, units: Int) async throws -> ProductID {
        let new = try NewProduct(name: "thing", description: "a thing", price: 300, initialStock: units)
        return try await ledger.createProduct(new, actor: user, at: Timestamp(microseconds: 1)).id
    }

    @Test("The writer commits with synchronous=FULL in WAL mode and enforces foreign keys")
    func durability() async throws {
        try await withLedger { ledger, _ async throws in
            let settings = try await ledger.pool.writeWithoutTransaction { database in
                (
                    try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                    try String.fetchOne(database, sql: "PRAGMA journal_mode"),
                    try Bool.fetchOne(database, sql: "PRAGMA foreign_keys")
                )
            }
            #expect(settings.0 == 2)
            #expect(settings.1 == "wal")
            #expect(settings.2 == true)
            try await ledger.check()
        }
    }

    @Test("A writer that is not durable any more fails the check")
    func lostDurability() async throws {
        try await withLedger { ledger, _ async throws in
            try await ledger.pool.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA synchronous = NORMAL")
            }
            #expect(try await code { try await ledger.check() } == .ledgerUnavailable)
        }
    }

    @Test("A second ledger on the same file is refused, and the file is free after the first was closed")
    func oneWriter() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let path = directory.file("ledger.sqlite")
        let first = try await SQLiteLedger.open(path: path)
        #expect(try await code { _ = try await SQLiteLedger.open(path: path) } == .databaseLocked)
        await first.close()
        await (try SQLiteLedger.open(path: path)).close()
        directory.remove()
    }

    @Test("A database of a newer schema is refused")
    func newerSchema() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let path = directory.file("ledger.sqlite")
        do {
            let ledger = try await SQLiteLedger.open(path: path)
            try await ledger.pool.write {
                try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('2 from the future')")
            }
            await ledger.close()
        }
        #expect(try await code { _ = try await SQLiteLedger.open(path: path) } == .schemaTooNew)
        directory.remove()
    }

    @Test("A path that cannot be written, and a file that is no database, are refused with a sentence")
    func unusablePaths() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let missing = directory.file("missing/ledger.sqlite")
        #expect(try await code { _ = try await SQLiteLedger.open(path: missing) } == .databaseUnusable)
        let text = directory.file("text.sqlite")
        try String(repeating: "this is no database ", count: 100)
            .write(toFile: text, atomically: true, encoding: .utf8)
        #expect(try await code { _ = try await SQLiteLedger.open(path: text) } == .databaseUnusable)
        directory.remove()
    }

    @Test(
        "The schema itself refuses rows that break a rule",
        arguments: [
            "INSERT INTO users (username, hashed_password, created_at, updated_at) VALUES ('', 'h', '', '')",
            "INSERT INTO users (username, hashed_password, created_at, updated_at) VALUES (printf('%.51c', 'a'), 'h', '', '')",
            "INSERT INTO users (username, hashed_password, role, created_at, updated_at) VALUES ('a', 'h', 'king', '', '')",
            "INSERT INTO products (name, price, created_at) VALUES ('', 1, '')",
            "INSERT INTO products (name, price, created_at) VALUES ('a', -1, '')",
            "INSERT INTO products (name, price, supplied, sold, created_at) VALUES ('a', 1, 1, 2, '')",
            "UPDATE products SET sold = supplied + 1",
            "INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id, strategy, purchased_at) VALUES (1, 1, 0, 0, 'r', 's', '')",
            "INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id, strategy, purchased_at) VALUES (99, 1, 1, 0, 'r', 's', '')",
            "INSERT INTO purchases (user_id, product_id, quantity, total_price, reservation_id, strategy, purchased_at) VALUES (1, 99, 1, 0, 'r', 's', '')",
            "INSERT INTO stock_movements (product_id, delta, reason, created_at) VALUES (99, 1, 'r', '')",
        ])
    func constraints(statement: String) async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            _ = try await product(ledger, user, units: 5)
            await #expect(throws: DatabaseError.self) {
                try await ledger.pool.write { try $0.execute(sql: statement) }
            }
        }
    }

    @Test("A product is recorded with its first movement")
    func productMovement() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            let found = try await ledger.product(id)
            #expect(found?.supplied == 5)
            #expect(found?.sold == 0)
            #expect(found?.description == "a thing")
            let deltas = try await ledger.pool.read {
                try Int.fetchAll($0, sql: "SELECT delta FROM stock_movements")
            }
            #expect(deltas == [5])
            #expect(try await ledger.withdrawProduct(id))
            #expect(try await ledger.product(id) == nil)
            #expect(try await !ledger.withdrawProduct(id))
        }
    }
}
