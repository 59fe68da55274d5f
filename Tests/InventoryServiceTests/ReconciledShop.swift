import LabProcesses
import LabTesting
import LockStrategies
import LocksPostgres
import Logging
import RedisClient
import Testing

@testable import InventoryService
@testable import LedgerSQLite

/// Purchases and a reconciler of one process over real servers.
struct ReconciledShop: Sendable {
    let redis: RedisClient
    let server: RedisServerProcess
    let ledger: SQLiteLedger
    let strategy: any LockStrategy
    var stock: StockStore<RedisClient>
    let gate: SalesGate
    let buyer: UserID
    /// Nil: a purchase waits until its reservation is cleared.
    var clearing: ClearingQueue<RedisClient>?

    private var logger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    func product(units: Int) async throws -> ProductID {
        try await products.create(
            try NewProduct(name: "thing", price: 100, initialStock: units), by: buyer
        ).product.id
    }

    var products: ProductService<SQLiteLedger, RedisClient> {
        ProductService(store: ledger, stock: stock)
    }

    func buy(
        _ product: ProductID, _ quantity: Int = 1, key: IdempotencyKey? = nil
    ) async throws -> PurchaseOutcome.Kind {
        try await buy(with: strategy, product, quantity, key)
    }

    private func buy<Strategy: LockStrategy>(
        with strategy: Strategy, _ product: ProductID, _ quantity: Int, _ key: IdempotencyKey?
    ) async throws -> PurchaseOutcome.Kind {
        try await PurchaseService(
            strategy: strategy, store: ledger, stock: stock,
            settings: .init(strategy: .luaAtomic, patience: .seconds(60)), gate: gate, clearing: clearing,
            logger: logger
        ).purchase(product: product, quantity: quantity, for: buyer, idempotencyKey: key).outcome.kind
    }

    func adjust(
        _ product: ProductID, by delta: Int
    ) async throws -> StockAccount? {
        func adjust<Strategy: LockStrategy>(_ strategy: Strategy) async throws -> StockAccount? {
            let outcome = try await SupplyService(
                strategy: strategy, store: ledger, stock: stock, gate: gate, patience: .seconds(60)
            ).adjust(product, by: delta, because: "a test", actor: buyer)
            return if case .adjusted(let account) = outcome { account } else { nil }
        }
        return try await adjust(strategy)
    }

    @discardableResult
    func reconcile(
        isDryRun: Bool = false, over other: StockStore<RedisClient>? = nil
    ) async throws -> ReconcileReport {
        func run<Strategy: LockStrategy>(_ strategy: Strategy) async throws -> ReconcileReport {
            try await Reconciler(
                strategy: strategy, store: ledger, stock: other ?? stock, gate: gate,
                servers: { [redis] () async throws(RedisError) in try await redis.meetServers() },
                patience: .seconds(60), logger: logger
            ).run(isDryRun: isDryRun)
        }
        return try await run(strategy)
    }

    /// supplied = stock + open + sold, with every part of it.
    func isConserved(_ product: ProductID) async throws -> Bool {
        let account = try #require(try await ledger.stockAccount(product))
        let found = try await ProductStock(redis, layout: stock.layout).snapshot(product)
        let units = try #require(found.units)
        return units >= 0 && account.supplied == units + found.openUnits + account.sold
    }

    static func run(
        _ id: StrategyEntry = .luaAtomic, persistence: RedisServerOptions.Persistence = .none,
        _ body: (ReconciledShop) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-reconcile")
        let server = try await RedisServerProcess.start(RedisServerOptions(persistence: persistence))
        var nodes: [RedisServerProcess] = []
        for _ in 0..<(id.needsLockNodes ? 3 : 0) { nodes.append(try await RedisServerProcess.start()) }
        let redis = RedisClient(server.endpoint, limits: .init(command: .seconds(30)), watchesServers: true)
        let ledger = try await SQLiteLedger.open(
            path: directory.file("ledger.sqlite"), settings: LedgerSettings(patience: .seconds(60)))
        let created = try await ledger.createUser(.sample("buyer"))
        guard case .created(let buyer) = created else { throw ShopError.noBuyer }
        let locks = id.needsPostgres ? PostgresAdvisoryLocks(try await PostgresDatabases.make()) : nil
        let builder = StrategyBuilder(
            stock: redis,
            lockNodes: nodes.map {
                LockNode(name: $0.url, redis: RedisClient($0.endpoint, limits: .patient))
            },
            clock: ContinuousClock(), fences: .ledger(ledger), advisoryLocks: locks)
        let shop = ReconciledShop(
            redis: redis, server: server, ledger: ledger, strategy: try builder.strategy(id),
            stock: StockStore(redis, layout: id.traits.stockLayout),
            gate: SalesGate { redis.serverGeneration }, buyer: buyer.id)
        let result: Result<Void, any Error>
        do {
            try await shop.reconcile()
            try await body(shop)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await ledger.close()
        await redis.close()
        locks?.close()
        for process in nodes + [server] { await process.stop() }
        directory.remove()
        try result.get()
    }

    static let strategies = StrategyRegistry.builtIn.entries.filter {
        !$0.isNegativeControl && $0.traits.stockLayout != .ledger
            && (!$0.needsPostgres || PostgresDatabases.canBeMade)
    }
}
