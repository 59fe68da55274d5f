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

    private func sale(_ user: UserID, _ product: ProductID, _ quantity: Int, key: String? = nil) throws
        -> Sale
    {
        Sale(
            reservation: ReservationID(random: .system), user: user, product: product, quantity: quantity,
            idempotencyKey: try key.map { try IdempotencyKey($0) }, strategy: "lua-atomic", fence: Fence(7),
            purchasedAt: Timestamp(microseconds: 1_800_000_000_000_000))
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

    @Test("Names and e-mail addresses are unique")
    func uniqueUsers() async throws {
        try await withLedger { ledger, _ async throws in
            let created = try await ledger.createUser(.sample("ann", email: "ann@example.org"))
            guard case .created(let ann) = created else { throw ShopError.noBuyer }
            #expect(try await ledger.createUser(.sample("ann")) == .usernameTaken)
            #expect(try await ledger.createUser(.sample("bea", email: "ann@example.org")) == .emailTaken)
            #expect(try await ledger.user(ann.id) == ann)
            #expect(try await ledger.credentials(of: "ann")?.user == ann)
            #expect(try await ledger.credentials(of: "Ann") == nil)
            #expect(try await ledger.user(UserID(99)) == nil)
        }
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

    @Test("A sale carries the price of the moment, counts as sold, and keeps its product")
    func sale() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            guard case .recorded(let purchase) = try await ledger.record(sale(user, id, 2)) else {
                Issue.record("not recorded")
                return
            }
            #expect(purchase.totalPrice == 600)
            #expect(try await ledger.product(id)?.sold == 2)
            #expect(try await ledger.purchases(of: user, Page()).items == [purchase])
            #expect(try await !ledger.withdrawProduct(id))
        }
    }

    @Test("The ledger sells no more than was supplied, whoever asks")
    func lastGuard() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 10)
            let outcomes = try await withThrowingTaskGroup(of: RecordOutcome.self) { group in
                for _ in 0..<30 {
                    let sale = try sale(user, id, 1)
                    group.addTask { try await ledger.record(sale) }
                }
                return try await group.reduce(into: [RecordOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == .oversellRefused }.count == 20)
            #expect(try await ledger.product(id)?.sold == 10)
            #expect(try await ledger.purchases(of: user, Page()).total == 10)
        }
    }

    @Test("One reservation is recorded once")
    func oneRowPerReservation() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            let sale = try sale(user, id, 1)
            _ = try await ledger.record(sale)
            #expect(try await code { _ = try await ledger.record(sale) } == .ledgerUnavailable)
            #expect(try await ledger.product(id)?.sold == 1)
        }
    }

    @Test("An idempotency key belongs to one user and gives back the first purchase")
    func idempotencyKey() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            let other = try await buyer(ledger, "other")
            let id = try await product(ledger, user, units: 5)
            guard case .recorded(let first) = try await ledger.record(sale(user, id, 1, key: "k")) else {
                Issue.record("not recorded")
                return
            }
            #expect(try await ledger.record(sale(user, id, 1, key: "k")) == .alreadyRecorded(first))
            #expect(try await ledger.answer(to: user, under: IdempotencyKey("k")) == .purchase(first))
            guard case .recorded = try await ledger.record(sale(other, id, 1, key: "k")) else {
                Issue.record("the key of one user stopped another")
                return
            }
            #expect(try await ledger.product(id)?.sold == 2)
        }
    }

    @Test("A sale of an unknown product or to an unknown user is not recorded")
    func unknownParties() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            let id = try await product(ledger, user, units: 5)
            #expect(try await ledger.record(sale(user, ProductID(99), 1)) == .productNotFound)
            #expect(try await code { _ = try await ledger.record(sale(UserID(99), id, 1)) } == .unknownUser)
            #expect(try await ledger.product(id)?.sold == 0)
        }
    }

    @Test("Lists come in pages: products in order, purchases newest first, with the total")
    func pages() async throws {
        try await withLedger { ledger, _ async throws in
            let user = try await buyer(ledger)
            var ids: [ProductID] = []
            for _ in 0..<5 { ids.append(try await product(ledger, user, units: 1)) }
            let page = try await ledger.products(Page(skip: 1, limit: 2))
            #expect(page.items.map(\.id) == [ids[1], ids[2]])
            #expect(page.total == 5)
            for id in ids { _ = try await ledger.record(sale(user, id, 1)) }
            let purchases = try await ledger.purchases(of: user, Page(skip: 1, limit: 2))
            #expect(purchases.items.map(\.product) == [ids[3], ids[2]])
            #expect(purchases.total == 5)
            #expect(try await ledger.products(Page(skip: 9, limit: 2)).items.isEmpty)
        }
    }

    @Test("What was recorded is there after closing and opening again")
    func reopening() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-ledger")
        let path = directory.file("ledger.sqlite")
        let user: UserID
        do {
            let ledger = try await SQLiteLedger.open(path: path)
            user = try await buyer(ledger)
            await ledger.close()
            #expect(try await code { _ = try await ledger.user(user) } == .ledgerUnavailable)
        }
        let ledger = try await SQLiteLedger.open(path: path)
        #expect(try await ledger.user(user)?.username == "buyer")
        await ledger.close()
        directory.remove()
    }
}
