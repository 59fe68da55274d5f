import InventoryService
import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

/// The clauses that a strategy without stock in Redis is held to, with the ledger in which its units are.
@Suite("Stock in the ledger: sql-row")
struct LedgerLayoutTests {
    private func service(_ shop: Shop) -> PurchaseService<SQLRow, SQLiteLedger, RedisClient> {
        shop.purchases(SQLRow(), as: .sqlRow)
    }

    private func products(_ shop: Shop) -> ProductService<SQLiteLedger, RedisClient> {
        ProductService(store: shop.ledger, stock: StockStore(shop.redis, layout: .ledger))
    }

    private func product(_ shop: Shop, units: Int) async throws -> ProductID {
        try await products(shop).create(
            try NewProduct(name: "thing", price: 100, initialStock: units), by: shop.buyer
        ).product.id
    }

    @Test("3 · 10 units, 20 buyers at once: exactly 10 sold, 10 sold out, stock 0; Redis is not needed")
    func tenOfTwenty() async throws {
        try await withShop { shop async throws in
            await shop.redis.close()
            let product = try await product(shop, units: 10)
            let service = service(shop)
            let outcomes = try await withThrowingTaskGroup(of: PurchaseOutcome.Kind.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await service.purchase(product: product, quantity: 1, for: shop.buyer).outcome
                            .kind
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .purchased } == 10)
            #expect(outcomes.count { $0 == .soldOut } == 10)
            #expect(try await products(shop).stock(of: product) == 0)
            #expect(try await shop.ledger.purchases(of: shop.buyer, Page()).total == 10)
        }
    }

    @Test("27 · quantities at the boundary: the whole stock, one more, none, and an unknown product")
    func boundary() async throws {
        try await withShop { shop async throws in
            let product = try await product(shop, units: 5)
            let service = service(shop)
            func buy(_ quantity: Int, of product: ProductID) async throws -> PurchaseOutcome.Kind {
                try await service.purchase(product: product, quantity: quantity, for: shop.buyer).outcome.kind
            }
            #expect(try await buy(6, of: product) == .soldOut)
            #expect(try await buy(5, of: product) == .purchased)
            #expect(try await buy(1, of: product) == .soldOut)
            #expect(try await buy(1, of: ProductID(99)) == .productNotFound)
            #expect(try await code { _ = try await buy(0, of: product) } == .invalidField)
        }
    }

    @Test("25 · one idempotency key used by many at once sells once")
    func repeated() async throws {
        try await withShop { shop async throws in
            let product = try await product(shop, units: 5)
            let service = service(shop)
            let key = try IdempotencyKey("once")
            let outcomes = try await withThrowingTaskGroup(of: PurchaseOutcome.Kind.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await service.purchase(
                            product: product, quantity: 2, for: shop.buyer, idempotencyKey: key
                        ).outcome.kind
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .purchased } == 1)
            #expect(outcomes.count { $0 == .repeated } == 9)
            #expect(try await products(shop).stock(of: product) == 3)
        }
    }
}

@Suite("Fences and the ledger")
struct FenceOriginTests {
    @Test("38 · after Redis came back empty, numbers go on above those that purchases carry")
    func seededFromTheLedger() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 100)
            func strategy() throws -> any LockStrategy {
                try StrategyBuilder(
                    stock: shop.redis, lockNodes: [], clock: ContinuousClock(), fences: .ledger(shop.ledger)
                ).strategy(.fenced)
            }
            func buy() async throws {
                let answer = try strategy()
                let service = shop.purchases(
                    Answer({ reservation throws(StrategyError) in try await answer.reserve(reservation) }))
                let report = try await service.purchase(product: product, quantity: 1, for: shop.buyer)
                #expect(report.outcome.kind == .purchased)
            }
            for _ in 0..<3 { try await buy() }
            #expect(try await shop.ledger.highestFence(of: product) == Fence(3))
            _ = try await shop.redis.send(RedisCommand("FLUSHALL"))
            _ = try await shop.stock.initialise(product, units: 97, as: shop.epoch)
            try await buy()
            let fence = try #require(try await shop.ledger.highestFence(of: product))
            #expect(fence > Fence(3 + 1_000))
            #expect(try await shop.ledger.highestFence(of: ProductID(99)) == nil)
        }
    }
}
