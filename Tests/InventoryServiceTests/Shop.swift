import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import Logging
import RedisClient

/// A real Redis and a real SQLite file with one user, made for one test.
struct Shop {
    let redis: RedisClient
    let ledger: SQLiteLedger
    let stock: StockStore<RedisClient>
    let products: ProductService<SQLiteLedger, RedisClient>
    let buyer: UserID
    let databasePath: String

    /// A product that is on sale.
    func product(price: Int = 1000, units: Int) async throws -> ProductID {
        let new = try NewProduct(name: "thing", price: price, initialStock: units)
        return try await products.create(new, by: buyer).product.id
    }

    func purchases<Strategy: LockStrategy>(
        _ strategy: Strategy, as id: StrategyEntry = .luaAtomic, limit: Int? = nil
    ) -> PurchaseService<Strategy, SQLiteLedger, RedisClient> {
        PurchaseService(
            strategy: strategy, store: ledger, stock: StockStore(redis, layout: id.traits.stockLayout),
            settings: .init(strategy: id, perUserLimit: limit),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The real strategy, as a concrete type.
    var luaAtomic: Answer {
        get throws {
            let builder = StrategyBuilder(stock: redis, lockNodes: [], clock: ContinuousClock())
            let real = try builder.strategy(.luaAtomic)
            return Answer(
                undo: { id, product throws(StrategyError) in
                    try await real.cancel(id, of: product, deadline: .now + .seconds(60))
                },
                { reservation throws(StrategyError) in try await real.reserve(reservation) })
        }
    }

    /// Reservations that neither a purchase nor a return has ended yet.
    func openReservations(of product: ProductID) async throws -> Int {
        try await ProductStock(redis, layout: .oneKey).openReservations(of: product).count
    }

    /// The first filling of a stock.
    var epoch: StockEpoch { StockEpoch(origin: ledger.origin, number: 1) }
}

func withShop(_ body: (Shop) async throws -> Void) async throws {
    let directory = try TemporaryDirectory(prefix: "lab-shop")
    let path = directory.file("ledger.sqlite")
    try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server in
        let redis = RedisClient(server.endpoint, limits: .patient)
        let ledger = try await SQLiteLedger.open(
            path: path, settings: LedgerSettings(patience: .seconds(60)))
        let stock = StockStore(redis)
        let created = try await ledger.createUser(.sample("buyer"))
        guard case .created(let buyer) = created else { throw ShopError.noBuyer }
        let shop = Shop(
            redis: redis, ledger: ledger, stock: stock,
            products: ProductService(store: ledger, stock: stock), buyer: buyer.id, databasePath: path)
        do {
            try await body(shop)
        } catch {
            await ledger.close()
            await redis.close()
            throw error
        }
        await ledger.close()
        await redis.close()
    }
    directory.remove()
}

enum ShopError: Error {
    case noBuyer
}

extension NewUser {
    static func sample(_ name: String, email: String? = nil) -> NewUser {
        NewUser(
            username: name, email: email, passwordHash: PasswordHash(stored: "bcrypt:none"), role: .user,
            createdAt: Timestamp(microseconds: 1_700_000_000_000_000))
    }
}

/// The code of the error that `body` throws.
func code(of body: () async throws -> Void) async throws -> InventoryError.Code? {
    do {
        try await body()
        return nil
    } catch let error as InventoryError {
        return error.code
    }
}

/// A strategy that does what the test says.
struct Answer: LockStrategy {
    typealias Undo = @Sendable (ReservationID, ProductID) async throws(StrategyError) -> Int

    let answer: @Sendable (Reservation) async throws(StrategyError) -> ReserveOutcome
    let undo: Undo

    init(
        undo: @escaping Undo = { _, _ throws(StrategyError) in 0 },
        _ answer: @escaping @Sendable (Reservation) async throws(StrategyError) -> ReserveOutcome
    ) {
        self.answer = answer
        self.undo = undo
    }

    func cancel(
        _ id: ReservationID, of product: ProductID, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> Int {
        try await undo(id, product)
    }

    func reserve(_ reservation: Reservation) async throws(StrategyError) -> ReserveOutcome {
        try await answer(reservation)
    }
}
