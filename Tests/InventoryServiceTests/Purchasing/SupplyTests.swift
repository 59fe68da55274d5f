import LockStrategies
import RedisClient
import Testing

@testable import InventoryService
@testable import LedgerSQLite

@Suite("Changes of supply")
struct SupplyTests {
    @Test(
        "Units come and go exactly, beside buyers, and never below zero",
        arguments: ReconciledShop.strategies + [.sqlRow])
    func comesAndGoes(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 5)
            let added = try await shop.adjust(product, by: 10)
            #expect(added?.supplied == 15)
            #expect(try await shop.products.stock(of: product) == 15)
            let removed = try await shop.adjust(product, by: -4)
            #expect(removed?.supplied == 11)
            #expect(try await shop.products.stock(of: product) == 11)
            #expect(try await shop.adjust(product, by: -12) == nil)
            #expect(try await shop.products.stock(of: product) == 11)
            for _ in 0..<11 { #expect(try await shop.buy(product) == .purchased) }
            #expect(try await shop.buy(product) == .soldOut)
            #expect(try await shop.adjust(product, by: 1) != nil)
            #expect(try await shop.buy(product) == .purchased)
            #expect(try await shop.reconcile().isClean)
        }
    }

    @Test("Supply that the ledger has and Redis does not is brought on sale by the reconciler")
    func unfinished() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 5)
            func movement(_ delta: Int) -> SupplyMovement {
                SupplyMovement(
                    id: ReservationID(random: .system), product: product, delta: delta, reason: "a crash",
                    actor: shop.buyer, epoch: nil, time: Timestamp(microseconds: 0))
            }
            // Died after the ledger's row.
            _ = try await shop.ledger.record(movement(7))
            #expect(try await shop.reconcile().entries.map(\.drift) == [7])
            #expect(try await shop.stock.read(product) == 12)
            // Died after the offer.
            let offered = movement(3)
            let outcome = try await shop.ledger.record(offered)
            guard case .recorded(let account) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(try await shop.stock.offer(3, of: product, as: offered.id, in: account.epoch))
            let report = try await shop.reconcile()
            #expect(report.returned == 1 && report.driftUnits == 0)
            #expect(try await shop.stock.read(product) == 15)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test("Units that come while the stock is filled anew are not sold out, also before they are on sale")
    func cameWhileFilled() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 1)
            #expect(try await shop.buy(product) == .purchased)
            // The ledger has begun a filling that Redis does not have yet.
            #expect(try await shop.ledger.beginFilling(product, above: 0) != nil)
            #expect(try await shop.adjust(product, by: 2) != nil)
            let key = try IdempotencyKey("came-while-filled")
            #expect(try await code { _ = try await shop.buy(product, key: key) } == .stockReplaced)
            #expect(try await code { _ = try await shop.adjust(product, by: -1) } == .stockReplaced)
            #expect(try await shop.reconcile().filled == 1)
            #expect(try await shop.buy(product, key: key) == .purchased)
            #expect(try await shop.adjust(product, by: -1) != nil)
            #expect(try await shop.buy(product) == .soldOut)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test("A doubt in a stock stays until a look that began after it has found nothing missing")
    func doubts() throws {
        let (gate, product, other) = (SalesGate.open, ProductID(1), ProductID(2))
        #expect(gate.believesSoldOut(of: product))
        gate.doubt(product)
        let first = try #require(gate.doubt(in: product))
        gate.doubt(product)
        gate.settle(product, doubt: first)
        #expect(!gate.believesSoldOut(of: product) && gate.believesSoldOut(of: other))
        gate.settle(product, doubt: try #require(gate.doubt(in: product)))
        #expect(gate.believesSoldOut(of: product))
        gate.doubt(product)
        gate.settle(product, doubt: first)
        #expect(!gate.believesSoldOut(of: product))
    }

    @Test("Units that a dead process was taking off sale are back, or gone, as the ledger says")
    func unfinishedRemoval() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 9)
            func reserve() async throws -> (ReservationID, StockEpoch?) {
                let reservation = Reservation(
                    id: ReservationID(random: .system), product: product, quantity: 2,
                    deadline: .now + .seconds(60))
                return (reservation.id, try await shop.strategy.reserve(reservation).epoch)
            }
            _ = try await reserve()
            let (id, epoch) = try await reserve()
            _ = try await shop.ledger.record(
                SupplyMovement(
                    id: id, product: product, delta: -2, reason: "broken", actor: shop.buyer, epoch: epoch,
                    time: Timestamp(microseconds: 0)))
            let report = try await shop.reconcile()
            #expect(report.cleared == 1 && report.returned == 1 && report.driftUnits == 0)
            #expect(try await shop.stock.read(product) == 7)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test("A delta of nothing or beyond counting, and a reason of no or too many characters, are refused")
    func invalid() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 9)
            func service<Strategy: LockStrategy>(
                _ strategy: Strategy
            ) -> SupplyService<Strategy, SQLiteLedger, RedisClient> {
                SupplyService(strategy: strategy, store: shop.ledger, stock: shop.stock, gate: shop.gate)
            }
            let supply = service(
                Answer { _ throws(StrategyError) in
                    throw StrategyError(.refused, "not to be asked")
                })
            for (delta, reason) in [
                (0, "x"), (Bounds.units + 1, "x"), (1, ""), (1, String(repeating: "r", count: 201)),
            ] {
                #expect(
                    try await code {
                        _ = try await supply.adjust(product, by: delta, because: reason, actor: shop.buyer)
                    } == .invalidField)
            }
            #expect(try await shop.adjust(ProductID(99), by: 1) == nil)
            #expect(try await shop.adjust(product, by: Bounds.units) == nil)
            #expect(try await shop.stock.read(product) == 9)
        }
    }
}
