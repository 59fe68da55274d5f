import BenchAudit
import BenchLoad
import BenchModel
import InventoryService
import LabProcesses
import LockDrivers
import LockStrategies
import LocksPostgres
import RedisClient

/// The strategy of one trial alone, in this process: a purchase is a reservation and its clearing. No HTTP,
/// no ledger; the stock lives in Redis, and there it is audited.
struct StrategyService: TrialService {
    private let strategy: any LockStrategy
    private let stock: ProductStock<RedisClient>
    /// The stock's, then the lock nodes'.
    private let clients: [RedisClient]
    private let finishing: FinishingQueue
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
        let client = RedisClient(redis.stock, limits: .stockServer, watchesServers: true)
        let nodes = redis.lockNodes.map { RedisClient($0, limits: .lockNode) }
        let watch = HoldWatch()
        let finishing = FinishingQueue()
        do throws(StrategyConfigurationError) {
            let strategy = try settings.strategy(
                on: client, lockNodes: nodes.map { LockNode(name: $0.endpoint.server, redis: $0) },
                finishing: finishing, advisoryLocks: locks,
                through: { watch.watched(driver.map { UnfencedLock(DriverLock($0)) } ?? $0) })
            return StrategyService(
                strategy: strategy, stock: ProductStock(client, layout: settings.strategy.traits.stockLayout),
                clients: [client] + nodes, finishing: finishing, locks: locks, patience: settings.patience,
                watch: watch.hasLock ? watch : nil, driver: driver)
        } catch {
            for client in [client] + nodes { await client.close() }
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

    /// One unit, and the end of its reservation: the buyer has it when both are done.
    private func buy(_ product: ProductID) async -> DirectAnswer {
        let start = ContinuousClock.now
        let reservation = Reservation(
            id: ReservationID(random: .system), product: product, quantity: 1, deadline: start + patience)
        do throws(StrategyError) {
            let outcome = try await strategy.reserve(reservation)
            let word: BuyerOutcome
            switch outcome.decision {
            case .reserved: word = await isCleared(reservation) ? .success : .unavailable
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
        await finishing.finish()
        locks?.close()
        end = end.after(await driver?.stop())
        for client in clients { await client.close() }
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
