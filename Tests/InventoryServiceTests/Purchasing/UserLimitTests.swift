import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import InventoryService

@Suite("A limit for each user")
struct UserLimitTests {
    private func sale(_ user: UserID, _ product: ProductID, _ quantity: Int, limit: Int?) -> Sale {
        Sale(
            reservation: ReservationID(random: .system), user: user, product: product, quantity: quantity,
            idempotencyKey: nil, strategy: "lua-atomic", fence: nil, limit: limit,
            purchasedAt: Timestamp(microseconds: 1_800_000_000_000_000))
    }

    /// How often each outcome came of so many calls at once.
    private func count(
        _ calls: Int, _ call: @escaping @Sendable () async throws -> PurchaseOutcome.Kind
    ) async throws -> [PurchaseOutcome.Kind: Int] {
        try await withThrowingTaskGroup(of: PurchaseOutcome.Kind.self) { group in
            for _ in 0..<calls { group.addTask { try await call() } }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
    }

    @Test("S33 · the ledger records no more units of a product for a user than the sale allows, whoever asks")
    func ledgerIsExact() async throws {
        try await withShop { shop async throws in
            try await shop.ledger.indexPurchasesByUserAndProduct()
            try await shop.ledger.indexPurchasesByUserAndProduct()
            let product = try await shop.product(units: 100)
            let other = try await shop.product(units: 100)
            let outcomes = try await withThrowingTaskGroup(of: RecordOutcome.self) { group in
                for _ in 0..<50 {
                    let sale = sale(shop.buyer, product, 2, limit: 7)
                    group.addTask { try await shop.ledger.record(sale) }
                }
                return try await group.reduce(into: [RecordOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .limitReached } == 47)
            #expect(try await shop.ledger.product(product)?.sold == 6)
            // One unit is left to this user, and none of it is touched by what he buys elsewhere.
            guard case .recorded = try await shop.ledger.record(sale(shop.buyer, other, 7, limit: 7)),
                case .recorded = try await shop.ledger.record(sale(shop.buyer, product, 1, limit: 7))
            else {
                Issue.record("refused")
                return
            }
            #expect(
                try await shop.ledger.record(sale(shop.buyer, product, 1, limit: 7)) == .limitReached)
            #expect(
                try await shop.ledger.record(sale(shop.buyer, product, .max, limit: 7)) == .limitReached)
            guard case .recorded = try await shop.ledger.record(sale(shop.buyer, product, 1, limit: nil))
            else {
                Issue.record("a sale without a limit was refused")
                return
            }
        }
    }

    @Test("A user who has as many as one may leaves nothing in Redis, however often he tries")
    func noMarks() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 100)
            let service = shop.purchases(try shop.luaAtomic, limit: 3)
            for _ in 0..<3 {
                #expect(
                    try await service.purchase(product: product, quantity: 1, for: shop.buyer).outcome.kind
                        == .purchased)
            }
            for quantity in [1, 1, 2, 3, 1] {
                let report = try await service.purchase(
                    product: product, quantity: quantity, for: shop.buyer)
                #expect(report.outcome == .limitReached)
            }
            let keys = ProductKeys(product)
            #expect(try await shop.redis.send(RedisCommand("HLEN", keys.reservations)).integer == 0)
            #expect(try await shop.stock.read(product) == 97)
        }
    }

    @Test("The stock is read without the reservations, of which there may be a million")
    func stockAlone() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 5)
            let keys = ProductKeys(product)
            _ = try await shop.redis.send(RedisCommand("HSET", keys.reservations, "a", "1:1", "b", "ended:"))
            _ = try await shop.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
            #expect(try await shop.stock.read(product) == 5)
            let text = try await shop.redis.send(RedisCommand("INFO", "commandstats")).string ?? ""
            // Of the moves between buckets and nothing else.
            #expect(text.contains("cmdstat_hgetall:calls=2,"), "\(text)")
        }
    }

    @Test(
        "S33 · fifty calls of one user at once buy what one user may, and what is refused is in stock again",
        arguments: [StrategyEntry.luaAtomic, .sqlRow])
    func manyCalls(id: StrategyEntry) async throws {
        try await withShop { shop async throws in
            let products = ProductService(
                store: shop.ledger, stock: StockStore(shop.redis, layout: id.traits.stockLayout))
            let product = try await products.create(
                try NewProduct(name: "thing", price: 1, initialStock: 100), by: shop.buyer
            ).product.id
            let builder = StrategyBuilder(stock: shop.redis, lockNodes: [], clock: ContinuousClock())
            // Two services: neither knows what the other is selling at this moment.
            let first = Self.service(shop, try builder.strategy(id), id, limit: 3)
            let second = Self.service(shop, try builder.strategy(id), id, limit: 3)
            let buyer = shop.buyer
            async let some = count(25) { try await first(product, buyer) }
            let others = try await count(25) { try await second(product, buyer) }
            let all = try await others.merging(some, uniquingKeysWith: +)
            #expect(all == [.purchased: 3, .limitReached: 47])
            #expect(try await products.stock(of: product) == 97)
            #expect(try await shop.openReservations(of: product) == 0)
            #expect(try await shop.ledger.purchases(of: buyer, Page()).total == 3)
        }
    }

    private static func service(
        _ shop: Shop, _ strategy: some LockStrategy, _ id: StrategyEntry, limit: Int
    ) -> @Sendable (ProductID, UserID) async throws -> PurchaseOutcome.Kind {
        let service = shop.purchases(strategy, as: id, limit: limit)
        return { product, user in
            try await service.purchase(product: product, quantity: 1, for: user).outcome.kind
        }
    }

    @Test("S33 · one user's calls never hold more units in reservation than one user may have")
    func hoarding() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 3)
            guard case .created(let other) = try await shop.ledger.createUser(.sample("other")) else {
                Issue.record("no other user")
                return
            }
            let real = try shop.luaAtomic
            let gate = Gate()
            let reserved = Recorder<ReservationID>()
            let service = shop.purchases(
                Answer(undo: { id, product throws(StrategyError) in try await real.undo(id, product) }) {
                    reservation throws(StrategyError) in
                    let outcome = try await real.reserve(reservation)
                    reserved.note(reservation.id)
                    if reserved.values.count <= 2 { await gate.pass() }
                    return outcome
                }, limit: 2)
            let buyer = shop.buyer
            let held = (0..<2).map { _ in
                Task { try await service.purchase(product: product, quantity: 1, for: buyer).outcome.kind }
            }
            await gate.reached(by: 2)
            // Nothing of the stock is touched by what is refused here.
            for quantity in [1, 2, 3, 1000] {
                let refused = try await service.purchase(product: product, quantity: quantity, for: buyer)
                #expect(refused.outcome == .limitReached)
            }
            #expect(try await shop.stock.read(product) == 1)
            let last = try await service.purchase(product: product, quantity: 1, for: other.id)
            #expect(last.outcome.kind == .purchased)
            gate.open()
            for task in held { #expect(try await task.value == .purchased) }
            #expect(try await shop.stock.read(product) == 0)
        }
    }

    @Test("S33 · the limit of a user is no answer for good: a key that met it buys when the limit is lifted")
    func keyStaysFree() async throws {
        try await withShop { shop async throws in
            let product = try await shop.product(units: 10)
            let key = try IdempotencyKey("k")
            func buy(limit: Int?) async throws -> PurchaseOutcome.Kind {
                try await shop.purchases(try shop.luaAtomic, limit: limit).purchase(
                    product: product, quantity: 4, for: shop.buyer, idempotencyKey: key
                ).outcome.kind
            }
            #expect(try await buy(limit: 3) == .limitReached)
            #expect(try await buy(limit: 4) == .purchased)
            // The first answer stands, whatever the limit is by now.
            #expect(try await buy(limit: 3) == .repeated)
            #expect(try await shop.stock.read(product) == 6)
        }
    }

    @Test("What is under way is counted for each user and product, and forgotten when it ends")
    func guardCounts() {
        let guarding = HoardingGuard()
        let here = HoardingGuard.Key(user: UserID(1), product: ProductID(1))
        let there = HoardingGuard.Key(user: UserID(1), product: ProductID(2))
        #expect(guarding.enter(here, units: 2, limit: 3))
        #expect(!guarding.enter(here, units: 2, limit: 3))
        #expect(guarding.enter(here, units: 1, limit: 3))
        #expect(guarding.enter(there, units: 3, limit: 3))
        #expect(!guarding.enter(there, units: 1, limit: 3))
        guarding.leave(here, units: 1)
        #expect(guarding.enter(here, units: 1, limit: 3))
        guarding.leave(here, units: 1)
        guarding.leave(here, units: 2)
        guarding.leave(there, units: 3)
        #expect(guarding.count == 0)
    }
}
