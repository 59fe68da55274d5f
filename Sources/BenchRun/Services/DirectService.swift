import BenchAudit
import BenchLoad
import BenchModel
import InventoryService
import LabProcesses
import LockDrivers
import LockStrategies
import LocksPostgres
import Logging
import RedisClient

/// The purchase service of one trial in this process, put together as lab-server does it: the same ledger,
/// stock, strategy and limits; without HTTP, tokens, and passwords.
struct DirectService<Store: Ledger>: TrialService {
    private typealias Buy = @Sendable (ProductID, UserID) async -> DirectAnswer

    private let ledger: Store
    private let stock: StockStore<RedisClient>
    private let clients: TrialClients
    private let finishing: FinishingQueue
    private let locks: PostgresAdvisoryLocks?
    private let clearing: ClearingQueue<RedisClient>
    private let buy: Buy
    /// Nil: the strategy takes no lock.
    private let watch: HoldWatch?
    /// Nil: the lock is no driver's.
    private let driver: DriverFleet?

    var holds: HoldTally? { watch?.tally }

    var driverLog: [String]? { driver?.log }

    var processIdentifiers: [Int32] { [] }
    var shownArguments: [String]? { nil }

    /// Opens the ledger and the connections to Redis.
    ///
    /// - Parameters:
    ///   - locks: The sessions of a strategy that needs a PostgreSQL; ended by ``stop()``, and when this
    ///     throws.
    ///   - driver: Whose lock is taken instead of the strategy's own; ended likewise.
    ///   - open: Opens the ledger.
    static func start(
        _ settings: ServiceSettings, redis: TrialRedis, locks: PostgresAdvisoryLocks? = nil,
        driver: DriverFleet? = nil, open: () async throws(InventoryError) -> Store
    ) async throws(BenchError) -> DirectService {
        let ledger: Store
        do throws(InventoryError) {
            ledger = try await open()
        } catch {
            locks?.close()
            await driver?.stop()
            throw BenchError(.unreachable, error.context)
        }
        let clients = TrialClients(redis)
        let stock = StockStore(clients.stock, layout: settings.strategy.traits.stockLayout)
        let watch = HoldWatch()
        let finishing = FinishingQueue()
        let gate = SalesGate.open
        let clearing = ClearingQueue(stock, gate: gate, logger: .silent)
        do throws(StrategyConfigurationError) {
            let strategy = try settings.strategy(
                on: clients.stock, lockNodes: clients.lockNodes,
                fences: .ledger(ledger), finishing: finishing, advisoryLocks: locks,
                executor: clients.executor,
                through: { watch.watched(driver.map { UnfencedLock(DriverLock($0)) } ?? $0) })
            return DirectService(
                ledger: ledger, stock: stock, clients: clients, finishing: finishing,
                locks: locks, clearing: clearing,
                buy: buying(by: strategy, ledger, stock, settings, gate, clearing),
                watch: watch.hasLock ? watch : nil, driver: driver)
        } catch {
            await clients.close()
            await ledger.close()
            locks?.close()
            await driver?.stop()
            throw BenchError(.unreachable, "\(settings.strategy) cannot be set up: \(error)")
        }
    }

    private static func buying(
        by strategy: some LockStrategy, _ ledger: Store, _ stock: StockStore<RedisClient>,
        _ settings: ServiceSettings, _ gate: SalesGate, _ clearing: ClearingQueue<RedisClient>
    ) -> Buy {
        let service = ServiceAssembly(
            strategy: strategy, store: ledger, stock: stock, settings: settings, gate: gate,
            clearing: clearing, logger: .silent)
        return { product, user in
            do throws(InventoryError) {
                let order = PurchaseOrder(product: product, quantity: 1, user: user)
                return DirectAnswer(.success(try await service.purchases.purchase(order)))
            } catch {
                return DirectAnswer(.failure(error))
            }
        }
    }
}

extension DirectService {
    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        do {
            var buyers: [UserID] = []
            for number in 1...order.users {
                try Task.checkCancellation()
                buyers.append(try await buyer(number))
            }
            let offer = try NewProduct(name: "lab product", price: 1000, initialStock: order.stock)
            let desk = ProductService(store: ledger, stock: stock)
            var products: [ProductID] = []
            for _ in 0..<order.mix.count {
                products.append(try await desk.create(offer, by: buyers[0]).product.id)
            }
            let (known, offered, buy) = (buyers, products, buy)
            return OpenShop(products: products.map(\.rawValue)) { plan, progress in
                let wishes = (0..<order.users).map { user in
                    ProductMix.Wishes(order.mix, seed: order.seed, user: user)
                }
                return try await DirectLoad.run(wishes, plan, progress: progress) { user, product in
                    await buy(offered[product], known[user])
                }
            }
        } catch let error as InventoryError {
            throw BenchError(.unexpectedAnswer, "the shop cannot be opened: \(error)")
        }
    }

    /// A user that cannot log in, because nobody does.
    private func buyer(_ number: Int) async throws -> UserID {
        let outcome = try await ledger.createUser(
            NewUser(
                username: "buyer-\(number)", email: nil, passwordHash: PasswordHash(stored: "none"),
                role: .user, createdAt: WallClock.system.now))
        guard case .created(let user) = outcome else {
            throw BenchError(.unexpectedAnswer, "a new ledger already has the user buyer-\(number)")
        }
        return user.id
    }

    /// Looks whether ledger and stock still answer, then closes everything, so that the audit reads files
    /// that nobody has open.
    func stop() async -> ServiceEnd {
        var end: ServiceEnd
        do throws(InventoryError) {
            try await ledger.check()
            try await stock.check()
            end = ServiceEnd(description: "answered to the end, then closed", isGood: true)
        } catch {
            end = ServiceEnd(description: "no answer at the end: \(error)", isGood: false)
        }
        await ledger.close()
        await clearing.finish()
        await finishing.finish()
        locks?.close()
        end = end.after(await driver?.stop())
        await clients.close()
        return end
    }
}

extension Logger {
    /// What the log would say is counted; the control would say it thousands of times.
    static var silent: Logger { Logger(label: "lab-bench") { _ in SwiftLogNoOpLogHandler() } }
}
