import Dispatch
import GRDB
import LabProcesses
import LockStrategies
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// Sales that share a commit.
@Suite("Sales that are written together") struct SaleRecorderTests {
    private static let ids = ReservationIDs()

    /// A ledger with user 1 and product 1, and product 2 with as many units.
    private func withLedger(
        units: Int, _ body: (SQLiteLedger) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-sales")
        let ledger = try await SQLiteLedger.open(path: directory.file("l.sqlite"))
        _ = try await ledger.createUser(.sample("ann"))
        for _ in 0..<2 {
            let new = try NewProduct(name: "thing", price: 300, initialStock: units)
            _ = try await ledger.createProduct(new, actor: UserID(1), at: SmallLedger.time(1))
        }
        try await body(ledger)
        await ledger.close()
        directory.remove()
    }

    private func sale(
        _ quantity: Int, of product: Int64 = 1, by user: Int64 = 1, id: ReservationID? = nil,
        key: String? = nil, strategy: String = "lua-atomic", epoch: StockEpoch? = nil, limit: Int? = nil
    ) throws -> Sale {
        Sale(
            reservation: id ?? Self.ids.next(), user: UserID(user), product: ProductID(product),
            quantity: quantity, idempotencyKey: try key.map { try IdempotencyKey($0) }, strategy: strategy,
            fence: nil, epoch: epoch, limit: limit, purchasedAt: SmallLedger.time(2))
    }

    private func record(_ sales: [Sale], in ledger: SQLiteLedger) async throws -> ([String], isTogether: Bool)
    {
        try await ledger.pool.write { database in
            let report = try SaleRecorder(origin: ledger.origin).record(sales, in: database)
            return (report.results.map(Self.word), report.dissent == nil)
        }
    }

    private static func word(_ result: Result<RecordOutcome, any Error>) -> String {
        switch result {
        case .success(.recorded(let purchase)): "recorded \(purchase.id)"
        case .success(.alreadyRecorded(let purchase)): "already recorded \(purchase.id)"
        case .success(let outcome): "\(outcome)"
        case .failure(let error): "error \(SQLiteLedger.error(error).code.rawValue)"
        }
    }

    private func sold(_ ledger: SQLiteLedger) async throws -> [Int] {
        try await ledger.read { try Int.fetchAll($0, sql: "SELECT sold FROM products ORDER BY id") }
    }

    private func contradictions(_ ledger: SQLiteLedger) async throws -> [String] {
        try await ledger.read { try LedgerAudit.contradictions(in: $0) }
    }

    @Test("What is more than was supplied is refused, in the order of the sales")
    func oversell() async throws {
        try await withLedger(units: 5) { ledger async throws in
            let sales = try [sale(2), sale(2), sale(2), sale(6, of: 2), sale(5, of: 2), sale(1), sale(1)]
            let (words, isTogether) = try await record(sales, in: ledger)
            #expect(isTogether)
            #expect(
                words == [
                    "recorded 1", "recorded 2", "oversellRefused", "oversellRefused", "recorded 3",
                    "recorded 4", "oversellRefused",
                ])
            #expect(try await sold(ledger) == [5, 5])
            #expect(try await contradictions(ledger) == [])
        }
    }

    @Test("A product is changed once, however many of it are sold")
    func oneChange() async throws {
        try await withLedger(units: 100) { ledger async throws in
            let sales = try (0..<20).map { try sale(1, of: Int64($0 % 2) + 1) }
            let changes = try await ledger.pool.write { database in
                let before = database.totalChangesCount
                _ = try SaleRecorder(origin: ledger.origin).record(sales, in: database)
                return database.totalChangesCount - before
            }
            #expect(changes == 22)
            #expect(try await sold(ledger) == [10, 10])
        }
    }

    @Test("Each sale hears of those before it: keys, limits, ends of reservations and epochs")
    func heard() async throws {
        try await withLedger(units: 100) { ledger async throws in
            let ended = Self.ids.next()
            _ = try await ledger.end([ended], at: SmallLedger.time(1))
            let old = StockEpoch(origin: ledger.origin, number: 0)
            let foreign = StockEpoch(origin: "0123456789abcdef", number: 1)
            let now = StockEpoch(origin: ledger.origin, number: 1)
            let sales = try [
                sale(1, key: "k"), sale(1, key: "k"), sale(2, limit: 3), sale(1, limit: 3),
                sale(1, of: 2, limit: 3), sale(1, id: ended), sale(1, epoch: old), sale(1, epoch: foreign),
                sale(1, epoch: now), sale(1, of: 9),
            ]
            let (words, isTogether) = try await record(sales, in: ledger)
            #expect(isTogether)
            #expect(
                words == [
                    "recorded 1", "already recorded 1", "recorded 2", "limitReached", "recorded 3",
                    "reservationEnded", "stockReplaced", "stockReplaced", "recorded 4", "productNotFound",
                ])
            #expect(try await contradictions(ledger) == [])
        }
    }

    @Test("A sale that fails leaves its neighbours alone and nothing of itself")
    func failingNeighbour() async throws {
        try await withLedger(units: 3) { ledger async throws in
            let twice = Self.ids.next()
            let sales = try [
                sale(1, id: twice), sale(1, by: 99), sale(1, id: twice), sale(0), sale(1), sale(2), sale(1),
            ]
            let (words, isTogether) = try await record(sales, in: ledger)
            #expect(!isTogether)
            #expect(
                words == [
                    "recorded 1", "error unknown-user", "error ledger-unavailable",
                    "error ledger-unavailable", "recorded 2", "oversellRefused", "recorded 3",
                ])
            #expect(try await sold(ledger) == [3, 0])
            #expect(try await contradictions(ledger) == [])
        }
    }

    @Test("The product's row has the last word against what was counted before")
    func lastGuard() async throws {
        try await withLedger(units: 10) { ledger async throws in
            // Takes units away behind the back of whoever has counted them.
            try await ledger.pool.write { database in
                try database.execute(
                    sql: """
                        CREATE TEMP TRIGGER thief AFTER INSERT ON purchases
                        BEGIN UPDATE products SET supplied = 2 WHERE id = 1; END
                        """)
            }
            let (words, isTogether) = try await record([sale(1), sale(1), sale(1)], in: ledger)
            #expect(!isTogether)
            #expect(words == ["recorded 1", "recorded 2", "oversellRefused"])
            #expect(try await sold(ledger) == [2, 0])
        }
    }

    @Test("Ids of before, which are of chance alone, are read beside those that rise")
    func oldIDs() async throws {
        try await withLedger(units: 10) { ledger async throws in
            let old = ReservationID(random: .system)
            let foreign = try #require(ReservationID(stored: "of-another-program"))
            let new = Self.ids.next()
            _ = try await record([sale(1, id: old), sale(1, id: foreign), sale(1, id: new)], in: ledger)
            #expect(
                try await ledger.recorded(among: [old, foreign, new, Self.ids.next()]) == [old, foreign, new])
        }
    }

    // MARK: - In the writer

    /// Runs `jobs` in one transaction, in their order.
    private func inOneBatch(
        _ ledger: SQLiteLedger, _ jobs: [@Sendable () async -> String]
    ) async -> [String] {
        let gate = DispatchSemaphore(value: 0)
        let begun = ledger.load.transactions
        return await withTaskGroup(of: [Int: String].self) { group in
            group.addTask {
                // Blocks the writer's own thread, never one of the cooperative pool.
                _ = try? await ledger.writer.submit { _ in gate.wait() }
                return [:]
            }
            while ledger.load.transactions == begun { await Task.yield() }
            for (index, job) in jobs.enumerated() {
                group.addTask { [index: await job()] }
                while ledger.load.waiting <= index { await Task.yield() }
            }
            gate.signal()
            var words: [Int: String] = [:]
            for await some in group { words.merge(some) { $1 } }
            return jobs.indices.compactMap { words[$0] }
        }
    }

    private func selling(_ sale: Sale, in ledger: SQLiteLedger) -> @Sendable () async -> String {
        {
            do throws(InventoryError) {
                return Self.word(.success(try await ledger.record(sale)))
            } catch {
                return "error \(error.code.rawValue)"
            }
        }
    }

    @Test("Other writes between sales keep their place")
    func order() async throws {
        try await withLedger(units: 2) { ledger async throws in
            let supply: @Sendable () async -> String = {
                let outcome = try? await ledger.record(
                    SupplyMovement(
                        id: Self.ids.next(), product: ProductID(1), delta: 1, reason: "more",
                        actor: UserID(1), epoch: nil, time: SmallLedger.time(3)))
                guard case .recorded(let account) = outcome else { return "not supplied" }
                return "\(account.supplied) supplied, \(account.sold) sold"
            }
            let sales = try (0..<5).map { _ in selling(try sale(1), in: ledger) }
            let before = ledger.load.commits
            let words = await inOneBatch(ledger, Array(sales[..<3]) + [supply] + Array(sales[3...]))
            #expect(
                words == [
                    "recorded 1", "recorded 2", "oversellRefused", "3 supplied, 2 sold", "recorded 3",
                    "oversellRefused",
                ])
            #expect(ledger.load.commits == before + 2)
            #expect(ledger.load.rows >= 7)
            #expect(try await contradictions(ledger) == [])
        }
    }

    @Test("When SQLite gives the transaction up among sales, none of the batch is told that it was written")
    func abandoned() async throws {
        try await withLedger(units: 10) { ledger async throws in
            try await ledger.pool.write { database in
                try database.execute(
                    sql: """
                        CREATE TEMP TRIGGER abandon BEFORE INSERT ON purchases WHEN NEW.strategy = 'poison'
                        BEGIN SELECT RAISE(ROLLBACK, 'planted'); END
                        """)
            }
            let words = await inOneBatch(
                ledger,
                try [sale(1), sale(1, strategy: "poison"), sale(1)].map { selling($0, in: ledger) })
            #expect(words == Array(repeating: "error ledger-unavailable", count: 3))
            #expect(try await sold(ledger) == [0, 0])
            #expect(ledger.load.waiting == 0)
            let next = try await ledger.record(sale(1))
            #expect(Self.word(.success(next)) == "recorded 1")
        }
    }
}
