import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import InventoryService

@Suite("Whose stock a Redis holds")
struct StockOwnerTests {
    @Test("The first ledger has it; another one is told whose it is, and changes nothing")
    func claimed() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 3)
            #expect(try await shop.stock.claim(for: shop.ledger.origin) == nil)
            #expect(try await shop.stock.claim(for: "another") == shop.ledger.origin)
            #expect(try await shop.stock.owner() == shop.ledger.origin)
            #expect(try await shop.buy(product) == .purchased)
        }
    }

    @Test("Where nobody is noted, as by older versions, the fillings of the products say whose it is")
    func olderVersion() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 3)
            _ = try await shop.redis.send(RedisCommand("DEL", "stock:{owner}"))
            #expect(
                try await shop.stock.claim(for: "another", lookingAt: [product, ProductID(77)])
                    == shop.ledger.origin)
            #expect(try await shop.stock.owner() == nil)
            #expect(try await shop.stock.claim(for: shop.ledger.origin, lookingAt: [product]) == nil)
        }
    }

    @Test("Whoever it is taken from stops selling at its next comparison, and says why")
    func takenAway() async throws {
        try await ReconciledShop.run { shop async throws in
            let product = try await shop.product(units: 3)
            try await shop.stock.adopt(for: "another")
            #expect(shop.gate.isOpen)
            let error = await #expect(throws: InventoryError.self) { try await shop.reconcile() }
            #expect(error?.context.contains("the stock of another ledger (another)") == true)
            #expect(!shop.gate.isOpen)
            #expect(try await code { _ = try await shop.buy(product) } == .stockUnknown)
            #expect(try await shop.stock.read(product) == 3)
            // Taken back on purpose.
            try await shop.stock.adopt(for: shop.ledger.origin)
            try await shop.reconcile()
            #expect(try await shop.buy(product) == .purchased)
        }
    }

    @Test("A look alone takes nothing away and gives nothing")
    func dryRun() async throws {
        try await ReconciledShop.run { shop async throws in
            _ = try await shop.redis.send(RedisCommand("DEL", "stock:{owner}"))
            _ = try await shop.reconcile(isDryRun: true)
            #expect(try await shop.stock.owner() == nil)
            try await shop.stock.adopt(for: "another")
            await #expect(throws: InventoryError.self) { try await shop.reconcile(isDryRun: true) }
            #expect(shop.gate.isOpen)
        }
    }

    @Test(
        "After it was taken over, what the other ledger left is replaced: under known numbers and under new ones",
        arguments: [StrategyEntry.luaAtomic, .sharded])
    func replaced(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            let product = try await shop.product(units: 10)
            let theirs = StockStore(shop.redis, layout: id.traits.stockLayout)
            _ = try await theirs.drop(product, origin: shop.ledger.origin)
            let next = ProductID(product.rawValue + 1)
            for number in [product, next] {
                #expect(
                    try await theirs.initialise(
                        number, units: 500, as: StockEpoch(origin: "another", number: 9)))
            }
            var ours = shop
            ours.stock = StockStore(shop.redis, layout: id.traits.stockLayout, replacesForeign: true)
            try await ours.reconcile()
            #expect(try await shop.stock.read(product) == 10)
            #expect(try await ours.product(units: 4) == next)
            #expect(try await shop.stock.read(next) == 4)
            #expect(try await ours.buy(next) == .purchased)
            #expect(try await ours.isConserved(product))
        }
    }
}
