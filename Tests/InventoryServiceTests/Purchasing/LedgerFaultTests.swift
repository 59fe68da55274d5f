import LabProcesses
import LabTesting
import LockStrategies
import Logging
import RedisClient
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// What a purchase does with its units when the ledger's disk fails under it.
@Suite struct LedgerFaultTests {
    private struct Sales {
        let lab: FaultyDisk
        let service: PurchaseService<Answer, SQLiteLedger, RedisClient>
        let supply: SupplyService<Answer, SQLiteLedger, RedisClient>
        let redis: RedisClient
        let stock: StockStore<RedisClient>

        func buy() async throws -> PurchaseOutcome {
            try await service.purchase(product: lab.product, quantity: 1, for: lab.buyer).outcome
        }

        func units() async throws -> Int? { try await stock.read(lab.product) }

        func openReservations() async throws -> Int {
            try await ProductStock(redis, layout: .oneKey).openReservations(of: lab.product).count
        }
    }

    private func withSales(units: Int, _ body: (Sales) async throws -> Void) async throws {
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server async throws in
            let redis = RedisClient(server.endpoint, limits: .patient)
            let stock = StockStore(redis)
            let real = try StrategyBuilder(stock: redis, lockNodes: [], clock: ContinuousClock())
                .strategy(.luaAtomic)
            let strategy = Answer(
                undo: { id, product throws(StrategyError) in
                    try await real.cancel(id, of: product, deadline: .now + .seconds(60))
                },
                { reservation throws(StrategyError) in try await real.reserve(reservation) })
            try await FaultyDisk.run(units: units) { lab async throws in
                _ = try await stock.initialise(
                    lab.product, units: units, as: StockEpoch(origin: lab.ledger.origin, number: 1))
                let service = PurchaseService(
                    strategy: strategy, store: lab.ledger, stock: stock,
                    settings: .init(strategy: .luaAtomic),
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                let supply = SupplyService(strategy: strategy, store: lab.ledger, stock: stock, gate: .open)
                try await body(
                    Sales(lab: lab, service: service, supply: supply, redis: redis, stock: stock))
            }
            await redis.close()
        }
    }

    @Test("A purchase that a full disk refuses returns its units")
    func fullDisk() async throws {
        try await withSales(units: 1000) { sales async throws in
            sales.lab.disk.setSpace(sales.lab.disk.used)
            var sold = 0
            var refused: InventoryError.Code?
            while refused == nil {
                refused = try await code { _ = try await sales.buy() }
                if refused == nil { sold += 1 }
            }
            #expect(refused == .ledgerFull)
            #expect(try await sales.units() == 1000 - sold)
            #expect(try await sales.openReservations() == 0)
            #expect(try await sales.lab.rows().count == sold)
        }
    }

    @Test(
        "Units that are taken off sale keep their reservation open when nobody knows whether that was written"
    )
    func unknownMovement() async throws {
        try await withSales(units: 10) { sales async throws in
            func take() async throws {
                _ = try await sales.supply.adjust(
                    sales.lab.product, by: -4, because: "a test", actor: sales.lab.buyer)
            }
            sales.lab.disk.failSyncs(nil)
            #expect(try await code { try await take() } == .recordUnknown)
            #expect(try await sales.units() == 6)
            #expect(try await sales.openReservations() == 1)
            // The next one is refused before anything of it is written, and returns what it took.
            #expect(try await code { try await take() } == .ledgerUnavailable)
            #expect(try await sales.units() == 6)
            #expect(try await sales.openReservations() == 1)
        }
    }

    @Test("A purchase of which nobody knows whether it was written keeps its reservation open")
    func unknown() async throws {
        try await withSales(units: 10) { sales async throws in
            sales.lab.disk.failSyncs(nil)
            #expect(try await code { _ = try await sales.buy() } == .recordUnknown)
            #expect(try await sales.units() == 9)
            #expect(try await sales.openReservations() == 1)
            // The next one is refused before anything of it is written, and returns what it took.
            #expect(try await code { _ = try await sales.buy() } == .ledgerUnavailable)
            #expect(try await sales.units() == 9)
            #expect(try await sales.openReservations() == 1)
        }
    }
}
