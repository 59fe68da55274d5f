import LabTesting
import LockStrategies
import Logging
import RedisClient
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// What becomes of a reservation behind the answer to its buyer.
@Suite struct ClearingQueueTests {
    private let door = Gate()

    /// A queue that waits for others until the door is opened.
    private func queue(
        of shop: ReconciledShop, over redis: RedisClient? = nil, capacity: Int = 100
    ) -> ClearingQueue<RedisClient> {
        ClearingQueue(
            StockStore(redis ?? shop.redis, layout: shop.stock.layout), gate: shop.gate, capacity: capacity,
            sleep: { [door] _ in await door.pass() },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func open(_ product: ProductID, in shop: ReconciledShop) async throws -> Set<ReservationID> {
        Set(try await shop.stock.snapshot(product).open.keys)
    }

    @Test(
        "Buyers are answered while their reservations are open; one command clears them all",
        arguments: [StrategyEntry.luaAtomic, .sharded])
    func behindTheAnswer(id: StrategyEntry) async throws {
        try await ReconciledShop.run(id) { shop async throws in
            var shop = shop
            let queue = queue(of: shop)
            shop.clearing = queue
            let product = try await shop.product(units: 100)
            for _ in 0..<20 { #expect(try await shop.buy(product) == .purchased) }
            let ids = try await open(product, in: shop)
            #expect(ids.count == 20 && queue.count == 20)
            #expect(shop.gate.working(among: ids) == ids)

            _ = try await shop.redis.send(RedisCommand("CONFIG", "RESETSTAT"))
            door.open()
            await queue.finish()
            #expect(try await open(product, in: shop) == [])
            #expect(queue.count == 0 && shop.gate.working(among: ids) == [])
            let info = try await shop.redis.send(RedisCommand("INFO", "commandstats")).string ?? ""
            let calls = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_hdel:") }
            // At most one for each bucket, and one where units came from another.
            let most = id.traits.stockLayout.bucketCount == 1 ? 1 : id.traits.stockLayout.bucketCount + 1
            #expect((1...most).contains { calls?.hasPrefix("cmdstat_hdel:calls=\($0),") == true }, "\(info)")
        }
    }

    @Test("The reconciler leaves alone what waits to be cleared")
    func reconciledMeanwhile() async throws {
        try await ReconciledShop.run { shop async throws in
            var shop = shop
            let queue = queue(of: shop)
            shop.clearing = queue
            let product = try await shop.product(units: 10)
            #expect(try await shop.buy(product, 3) == .purchased)
            #expect(try await shop.reconcile().isClean)
            #expect(try await open(product, in: shop).count == 1)
            door.open()
            await queue.finish()
            #expect(try await shop.reconcile().isClean)
            #expect(try await shop.isConserved(product))
        }
    }

    @Test("What Redis does not take is cleared by the next comparison, and the purchase stands")
    func redisAway() async throws {
        try await ReconciledShop.run { shop async throws in
            let port = try DeadPort()
            let away = RedisClient(try RedisEndpoint(parsing: "redis://127.0.0.1:\(port.number)/0"))
            var shop = shop
            let queue = queue(of: shop, over: away)
            shop.clearing = queue
            let product = try await shop.product(units: 10)
            #expect(try await shop.buy(product, 3) == .purchased)
            door.open()
            try await waitUntil { queue.count == 0 }
            let ids = try await open(product, in: shop)
            #expect(ids.count == 1 && shop.gate.working(among: ids) == [])
            let report = try await shop.reconcile()
            #expect(report.cleared == 1 && report.returned == 0)
            #expect(try await shop.stock.read(product) == 7)
            #expect(try await shop.isConserved(product))
            await queue.finish()
            await away.close()
        }
    }

    @Test("A queue that is full, and one that has ended, leave the clearing to the purchase")
    func full() async throws {
        try await ReconciledShop.run { shop async throws in
            var shop = shop
            let queue = queue(of: shop, capacity: 2)
            shop.clearing = queue
            let product = try await shop.product(units: 10)
            for _ in 0..<5 { #expect(try await shop.buy(product) == .purchased) }
            let ids = try await open(product, in: shop)
            #expect(ids.count == 2 && queue.count == 2)
            door.open()
            await queue.finish()
            #expect(try await shop.buy(product) == .purchased)
            #expect(try await open(product, in: shop) == [])
            #expect(try await shop.stock.read(product) == 4)
        }
    }
}
