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

/// The strategy of one trial alone, in this process: a purchase is a reservation and its clearing, which is
/// not waited for, as in the service. No HTTP, no ledger; the stock lives in Redis, and there it is audited.
struct StrategyService: TrialService {
    private let strategy: any LockStrategy
    private let stock: ProductStock<RedisClient>
    private let clients: TrialClients
    private let finishing: FinishingQueue
    private let clearing: ClearingQueue<RedisClient>
    private let ids = ReservationIDs()
    private let locks: PostgresAdvisoryLocks?
    private let patience: Duration
    /// Nil: the strategy takes no lock.
    private let watch: HoldWatch?
    /// Nil: the lock is no driver's.
    private let driver: DriverFleet?

    var holds: HoldTally? { watch?.tally }

    var driverLog: [String]? { driver?.log }

    var processIdentifiers: [Int32] { [] }
    var shownArguments: [String]? { nil }

    /// What an audit without a ledger cannot look at.
    static let notChecked: [String: String] = {
        let books = [
            "answers-are-rows", "rows-are-sold", "stock-is-conserved", "sold-within-supply",
            "supply-is-initial", "nothing-oversold", "no-duplicates",
        ]
        return Dictionary(
            uniqueKeysWithValues: books.map { ($0, "the strategy is measured without a ledger") })
    }()

    /// Opens the connections to Redis.
    ///
    /// - Parameters:
    ///   - locks: The sessions of a strategy that needs a PostgreSQL; ended by ``stop()``, and when this
    ///     throws.
    ///   - driver: Whose lock is taken instead of the strategy's own; ended likewise.
    static func start(
        _ settings: ServiceSettings, redis: TrialRedis, locks: PostgresAdvisoryLocks? = nil,
        driver: DriverFleet? = nil
    ) async throws(BenchError) -> StrategyService {
        let clients = TrialClients(redis)
        let watch = HoldWatch()
        let finishing = FinishingQueue()
        do throws(StrategyConfigurationError) {
            let strategy = try settings.strategy(
                on: clients.stock, lockNodes: clients.lockNodes,
                finishing: finishing, advisoryLocks: locks, executor: clients.executor,
                through: { watch.watched(driver.map { UnfencedLock(DriverLock($0)) } ?? $0) })
            let layout = settings.strategy.traits.stockLayout
            let clearing = ClearingQueue(
                StockStore(clients.stock, layout: layout), gate: .open, logger: .silent)
            return StrategyService(
                strategy: strategy, stock: ProductStock(clients.stock, layout: layout), clients: clients,
                finishing: finishing, clearing: clearing, locks: locks, patience: settings.patience,
                watch: watch.hasLock ? watch : nil, driver: driver)
        } catch {
            await clients.close()
            locks?.close()
            await driver?.stop()
            throw BenchError(.unreachable, "\(settings.strategy) cannot be set up: \(error)")
        }
    }

    func openShop(_ order: ShopOrder) async throws -> OpenShop {
        let products = (1...Int64(order.mix.count)).map { ProductID($0) }
        do throws(RedisError) {
            for product in products {
                let epoch = StockEpoch(origin: "lab-bench", number: 1)
                guard try await stock.initialise(product, units: order.stock, as: epoch) else {
                    throw RedisError(.protocolViolation, "there is a stock of product \(product) already")
                }
            }
        } catch {
            throw BenchError(.unexpectedAnswer, "the shop cannot be opened: \(error)")
        }
        return OpenShop(products: products.map(\.rawValue)) { plan, progress in
            let wishes = (0..<order.users).map { user in
                ProductMix.Wishes(order.mix, seed: order.seed, user: user)
            }
            return try await DirectLoad.run(wishes, plan, progress: progress) { _, product in
                await buy(products[product])
            }
        }
    }

    /// One unit. The end of its reservation goes the way of the service's: behind the answer, many by one
    /// command.
    private func buy(_ product: ProductID) async -> DirectAnswer {
        let start = ContinuousClock.now
        let reservation = Reservation(
            id: ids.next(), product: product, quantity: 1, deadline: start + patience)
        do throws(StrategyError) {
            let outcome = try await strategy.reserve(reservation)
            let word: BuyerOutcome
            switch outcome.decision {
            case .reserved:
                let isTaken = clearing.add(reservation.id, of: reservation.product)
                word = if isTaken { .success } else { await isCleared(reservation) ? .success : .unavailable }
            case .soldOut: word = .soldOut
            case .contended: word = .contended
            case .leftToLedger: word = .other
            }
            return DirectAnswer(outcome: word, timing: ServerTiming(outcome.evidence, since: start))
        } catch {
            return DirectAnswer(
                outcome: BuyerOutcome(error.code), timing: ServerTiming(error.evidence, since: start))
        }
    }

    private func isCleared(_ reservation: Reservation) async -> Bool {
        do throws(RedisError) {
            try await stock.clear(reservation.id, of: reservation.product)
            return true
        } catch {
            return false
        }
    }

    /// Looks whether Redis still answers, then closes everything.
    func stop() async -> ServiceEnd {
        var end: ServiceEnd
        do throws(StrategyError) {
            _ = try await stock.read(ProductID(1))
            end = ServiceEnd(description: "answered to the end, then closed", isGood: true)
        } catch {
            end = ServiceEnd(description: "no answer at the end: \(error)", isGood: false)
        }
        await clearing.finish()
        await finishing.finish()
        locks?.close()
        end = end.after(await driver?.stop())
        await clients.close()
        return end
    }
}

extension BuyerOutcome {
    /// As ``StrategyError/Code`` says: nothing was taken, or nobody knows.
    fileprivate init(_ code: StrategyError.Code) {
        switch code {
        case .timedOut: self = .contended
        case .unavailable, .lockUnavailable, .refused, .outcomeUnknown, .cancelled, .leaseLost,
            .stockReplaced,
            .reservationEnded:
            self = .unavailable
        case .notStocked, .invalidStock, .invalidRequest: self = .other
        }
    }
}

extension ServerTiming {
    /// All of a purchase at this level is spent in Redis.
    fileprivate init(_ evidence: Evidence, since start: ContinuousClock.Instant) {
        var timings = PurchaseTimings()
        timings.evidence = evidence
        timings.redis = start.duration(to: .now)
        self.init(timings)
    }
}
