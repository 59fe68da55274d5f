import InventoryService
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@Suite struct StockTests {
    @Test("A stock is set once and read")
    func stock() async throws {
        try await withShop { shop async throws in
            let id = ProductID(77)
            #expect(try await shop.stock.read(id) == nil)
            #expect(try await shop.stock.initialise(id, units: 5, as: shop.epoch))
            #expect(try await !shop.stock.initialise(id, units: 9, as: shop.epoch))
            #expect(try await shop.stock.read(id) == 5)
        }
    }

    @Test("A stock that is no number is an error, never zero")
    func unknownStock() async throws {
        try await withShop { shop async throws in
            let id = ProductID(77)
            _ = try await shop.redis.send(RedisCommand("SET", ProductKeys(id).stock, "many"))
            #expect(try await code { _ = try await shop.stock.read(id) } == .stockUnknown)
        }
    }

    @Test("A product is in the ledger and in Redis, and is found with its stock")
    func product() async throws {
        try await withShop { shop async throws in
            let new = try NewProduct(name: "thing", description: "fine", price: 300, initialStock: 4)
            let offer = try await shop.products.create(new, by: shop.buyer)
            #expect(offer.stock == 4)
            #expect(try await shop.products.get(offer.product.id) == offer)
            #expect(try await shop.stock.read(offer.product.id) == 4)
            #expect(try await shop.products.stock(of: offer.product.id) == 4)
            #expect(try await shop.products.get(ProductID(99)) == nil)
            #expect(try await shop.products.stock(of: ProductID(99)) == nil)
        }
    }

    @Test("The list of products carries each stock, and nil where Redis knows none")
    func list() async throws {
        try await withShop { shop async throws in
            var ids: [ProductID] = []
            for units in 1...3 { ids.append(try await shop.product(units: units)) }
            _ = try await shop.redis.send(RedisCommand("DEL", ProductKeys(ids[1]).stock))
            let listing = try await shop.products.list(Page())
            #expect(listing.total == 3)
            #expect(listing.items.map(\.product.id) == ids)
            #expect(listing.items.map(\.stock) == [1, nil, 3])
            #expect(try await code { _ = try await shop.products.stock(of: ids[1]) } == .stockUnknown)
        }
    }

    @Test("A product whose stock cannot be set is taken back")
    func withdrawn() async throws {
        try await withShop { shop async throws in
            // A stock of the next number is there already: left by another database.
            _ = try await shop.stock.initialise(
                ProductID(1), units: 50, as: StockEpoch(origin: "another", number: 1))
            #expect(try await code { _ = try await shop.product(units: 5) } == .stockUnknown)
            #expect(try await shop.ledger.products(Page()).total == 0)
            #expect(try await shop.stock.read(ProductID(1)) == 50)
            // Numbers are not used twice, so trying again gets past it.
            #expect(try await shop.product(units: 5) == ProductID(2))
        }
    }

    @Test("Without Redis a product is not made")
    func withoutRedis() async throws {
        try await withShop { shop async throws in
            await shop.redis.close()
            #expect(try await code { _ = try await shop.product(units: 5) } == .redisUnavailable)
            #expect(try await shop.ledger.products(Page()).total == 0)
        }
    }
}
