import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import Logging
import RedisClient
import Testing

@testable import InventoryService

@Suite("Reconciling Redis with the ledger")
struct ReconcilerTests {
    private func reservation(of product: ProductID, _ quantity: Int) -> Reservation {
        Reservation(
            id: ReservationID(random: .system), product: product, quantity: quantity,
            deadline: .now + .seconds(60))
    }

    @Test(
        "40 · a reservation whose process died goes back, one whose row is there is cleared; twice changes nothing",
        arguments: ReconciledShop.strategies)
    func deadReservations(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 100)
            #expect(try await shop.buy(product, 5) == .purchased)
            // Died between the decrement and the row.
            let lost = reservation(of: product, 7)
            _ = try await shop.strategy.reserve(lost)
            // Died between the row and the clearing.
            let sold = reservation(of: product, 11)
            let epoch = try await shop.strategy.reserve(sold).epoch
            let recorded = try await shop.ledger.record(
                Sale(
                    reservation: sold.id, user: shop.buyer, product: product, quantity: 11,
                    idempotencyKey: nil, strategy: "test", fence: nil, epoch: epoch,
                    purchasedAt: Timestamp(microseconds: 0)))
            guard case .recorded = recorded else {
                Issue.record("\(recorded)")
                return
            }
            let planned = try await shop.reconcile(isDryRun: true)
            #expect(planned.cleared == 1 && planned.returned == 1)
            let report = try await shop.reconcile()
            #expect(report.cleared == 1 && report.returned == 1 && report.filled == 0)
            #expect(report.driftUnits == 0)
            #expect(try await shop.stock.read(product) == 84)
            #expect(try await shop.isConserved(product))
            #expect(try await shop.reconcile().isClean)
            // hanging try: what the dead process had sent comes now.
            await #expect(throws: StrategyError.self) { try await shop.strategy.reserve(lost) }
            #expect(try await shop.isConserved(product))
        }
    }

    @Test(
        "41 · SQLite refuses the row: the reservation is returned exactly once, also when the reply of the return is lost, or the return itself",
        arguments: ReconciledShop.strategies)
    func refusedRow(id: StrategyEntry) async throws {
        for isCarriedOut in [true, false] {
            try await ReconciledShop.run(id) { shop async throws in
                let product = try await shop.product(units: 10)
                let real = shop.strategy
                let returns = Recorder<Int>()
                let strategy = Answer(
                    undo: { id, product throws(StrategyError) in
                        if isCarriedOut {
                            returns.note(
                                try await real.cancel(id, of: product, deadline: .now + .seconds(60)))
                        }
                        throw StrategyError(.outcomeUnknown, "the reply of the return was lost")
                    },
                    { reservation throws(StrategyError) in try await real.reserve(reservation) })
                let service = PurchaseService(
                    strategy: strategy, store: shop.ledger, stock: shop.stock,
                    settings: .init(strategy: id), gate: shop.gate,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                // No such user: the row is refused by its foreign key.
                let refusal = try await code {
                    _ = try await service.purchase(product: product, quantity: 4, for: UserID(99))
                }
                #expect(refusal == .unknownUser)
                #expect(returns.values == (isCarriedOut ? [4] : []))
                let report = try await shop.reconcile()
                #expect(report.returned == (isCarriedOut ? 0 : 1))
                #expect(report.driftUnits == 0)
                #expect(try await shop.reconcile().isClean)
                #expect(try await shop.stock.read(product) == 10)
                #expect(try await shop.isConserved(product))
            }
        }
    }

    @Test(
        "what an older version left among the reservations goes in slices, before anybody reads all of it",
        arguments: [StrategyEntry.luaAtomic, .sharded])
    func marksOfBefore(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 100)
            _ = try await shop.strategy.reserve(reservation(of: product, 7))
            let places = (0..<id.traits.stockLayout.bucketCount).map {
                ProductKeys(product, bucket: $0).reservations
            }
            for place in places {
                let marks = (0..<5_000).flatMap { _ in
                    [ReservationID(random: .system).description, "ended:"]
                }
                _ = try await shop.redis.send(RedisCommand("HSET", [place] + marks))
            }
            // All of it is more than this client takes.
            let narrow = RedisClient(
                shop.server.endpoint, limits: .init(command: .seconds(30), replyBytes: 100_000))
            let stock = StockStore(narrow, layout: id.traits.stockLayout)
            await #expect(throws: InventoryError.self) { try await stock.snapshot(product) }
            let report = try await shop.reconcile(over: stock)
            #expect(report.returned == 1)
            #expect(report.entries.flatMap(\.problems) == [])
            for place in places {
                #expect(try await shop.redis.send(RedisCommand("HLEN", place)).integer == 0)
            }
            #expect(try await stock.snapshot(product).units == 100)
            #expect(try await shop.isConserved(product))
            await narrow.close()
        }
    }

    @Test("A late row of a reservation that went back is refused")
    func lateRow() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 10)
            let late = reservation(of: product, 4)
            let epoch = try await shop.strategy.reserve(late).epoch
            try await shop.reconcile()
            let outcome = try await shop.ledger.record(
                Sale(
                    reservation: late.id, user: shop.buyer, product: product, quantity: 4,
                    idempotencyKey: nil, strategy: "test", fence: nil, epoch: epoch,
                    purchasedAt: Timestamp(microseconds: 0)))
            #expect(outcome == .reservationEnded)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test("A reservation that this process works on is left alone, and is sold")
    func working() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 10)
            let gate = Gate()
            let real = shop.strategy
            let slow = Answer { reservation throws(StrategyError) in
                let outcome = try await real.reserve(reservation)
                await gate.pass()
                return outcome
            }
            let service = PurchaseService(
                strategy: slow, store: shop.ledger, stock: shop.stock, settings: .init(strategy: .luaAtomic),
                gate: shop.gate, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let buyer = shop.buyer
            let purchase = Task { try await service.purchase(product: product, quantity: 3, for: buyer) }
            await gate.reached()
            #expect(try await shop.reconcile().isClean)
            gate.open()
            #expect(try await purchase.value.outcome.kind == .purchased)
            #expect(try await shop.stock.read(product) == 7)
        }
    }

    @Test(
        "39, 40 · two reconcilers at once, beside buyers and a change of supply, keep every unit",
        arguments: ReconciledShop.strategies)
    func atOnce(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 200)
            for _ in 0..<10 { _ = try await shop.strategy.reserve(reservation(of: product, 2)) }
            let bought = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await shop.reconcile()
                        return 0
                    }
                }
                for delta in [30, -10, 5] {
                    group.addTask {
                        _ = try await shop.adjust(product, by: delta)
                        return 0
                    }
                }
                for _ in 0..<40 {
                    group.addTask { try await shop.buy(product) == .purchased ? 1 : 0 }
                }
                return try await group.reduce(0, +)
            }
            #expect(bought == 40)
            let report = try await shop.reconcile()
            #expect(report.driftUnits == 0)
            #expect(try await shop.isConserved(product))
            let account = try #require(try await shop.ledger.stockAccount(product))
            #expect(account.supplied == 225 && account.sold == 40)
            #expect(try await shop.stock.read(product) == 185)
        }
    }

    @Test(
        "39 · A Redis that comes back empty sells nothing until its stock is filled, and then exactly the rest",
        arguments: ReconciledShop.strategies)
    func emptyRedis(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 10)
            for _ in 0..<4 { #expect(try await shop.buy(product) == .purchased) }
            await shop.server.kill()
            try await shop.server.restart()
            // The connection is found lost by the first call or the second.
            for _ in 0..<3 {
                let refusal = try await code { _ = try await shop.buy(product) }
                #expect(refusal != nil)
            }
            let report = try await shop.reconcile()
            #expect(report.distrusted)
            #expect(report.filled == 1)
            var sold = 0
            for _ in 0..<10 where try await shop.buy(product) == .purchased { sold += 1 }
            #expect(sold == 6)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test(
        "39 · A Redis that comes back older is noticed before a sale is accepted",
        arguments: ReconciledShop.strategies)
    func olderRedis(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 10)
            for _ in 0..<2 { #expect(try await shop.buy(product) == .purchased) }
            // What is saved now comes back after the crash; the next three are lost.
            _ = try await shop.redis.send(RedisCommand("SAVE"))
            for _ in 0..<3 { #expect(try await shop.buy(product) == .purchased) }
            await shop.server.kill()
            try await shop.server.restart()
            try await waitUntil {
                try await code { try await shop.stock.check() } == nil
            }
            #expect(try await shop.stock.read(product) == 8)
            let refusal = try await code { _ = try await shop.buy(product) }
            #expect(refusal == .stockUnknown || refusal == .stockReplaced)
            try await shop.reconcile()
            #expect(try await shop.stock.read(product) == 5)
            var sold = 0
            for _ in 0..<10 where try await shop.buy(product) == .purchased { sold += 1 }
            #expect(sold == 5)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test(
        "39 · a power cut takes the tail of the append-only file: what was acknowledged is sold once all the same"
    )
    func cutTail() async throws {
        try await ReconciledShop.run(persistence: .aofAlways) { shop async throws in
            let product = try await shop.product(units: 10)
            for _ in 0..<5 { #expect(try await shop.buy(product) == .purchased) }
            try await shop.server.cutPower(losing: 400)
            try await waitUntil {
                try await code { try await shop.stock.check() } == nil
            }
            let lost = try #require(try await shop.stock.read(product)) - 5
            #expect(lost > 0, "the cut took nothing, so nothing is shown")
            let refusal = try await code { _ = try await shop.buy(product) }
            #expect(refusal == .stockUnknown || refusal == .stockReplaced)
            try await shop.reconcile()
            var sold = 0
            for _ in 0..<10 where try await shop.buy(product) == .purchased { sold += 1 }
            #expect(sold == 5)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test("Units that were lost or invented are found in rest and put right", arguments: [-3, 4])
    func drift(units: Int) async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 10)
            #expect(try await shop.buy(product) == .purchased)
            _ = try await shop.redis.send(
                RedisCommand("INCRBY", ProductKeys(product).stock, String(units)))
            #expect(try await shop.reconcile(isDryRun: true).driftUnits == abs(units))
            let report = try await shop.reconcile()
            #expect(report.entries.map(\.drift) == [-units])
            #expect(report.entries.map(\.filled) == ["drift"])
            #expect(try await shop.stock.read(product) == 9)
            #expect(try await shop.reconcile().isClean)
        }
    }

    @Test(
        "A product that is deleted during sales sells nothing more, and leaves nothing in Redis",
        arguments: ReconciledShop.strategies)
    func deleted(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 1_000)
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for buyer in 0..<60 {
                    group.addTask {
                        if buyer == 20 { _ = try? await shop.products.delete(product) }
                        return (try? await shop.buy(product)) == .purchased
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            let account = try #require(try await shop.ledger.stockAccount(product))
            #expect(account.isDeleted)
            #expect(account.sold == outcomes)
            #expect(try await shop.ledger.purchases(of: shop.buyer, Page()).total == outcomes)
            #expect(try await shop.buy(product) == .productNotFound)
            try await shop.reconcile()
            let left = try await shop.redis.send(RedisCommand("KEYS", "*stock:{\(product)*")).array
            #expect(left == [])
            #expect(try await shop.products.delete(product) == false)
        }
    }

    @Test("The stock of another database on the same Redis is left alone, and said")
    func foreign() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 10)
            let epoch = ProductKeys(product).epoch
            _ = try await shop.redis.send(RedisCommand("SET", epoch, "another:9"))
            let report = try await shop.reconcile()
            #expect(report.hasProblems)
            #expect(report.entries.first?.problems.first?.contains("another database") == true)
            #expect(try await shop.stock.read(product) == 10)
            #expect(try await code { _ = try await shop.buy(product) } == .stockReplaced)
        }
    }
}
