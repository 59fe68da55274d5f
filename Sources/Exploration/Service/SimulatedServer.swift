import InventoryService
import LedgerModel
import LockStrategies
import Logging
import RedisClient
import Simulation

/// The server of the service in a simulated world, from its start to its end: all that lab-server puts
/// together, but for HTTP.
struct SimulatedServer: Sendable {
    /// Units of the one product.
    static let product = ProductID(1)
    static let reconcileInterval = Duration.milliseconds(100)
    /// Short, so that commands with one reservation and with several are met.
    private static let linger = Duration.milliseconds(2)

    let process: SimulatedProcess
    let ledger: ModelLedger
    let buy: @Sendable (PurchaseOrder) async -> ServiceAnswer
    /// More units are delivered, or fewer are left.
    let adjust: @Sendable (Int, UserID) async -> Void
    /// Nil: it could not be done.
    let reconcile: @Sendable () async -> ReconcileReport?
    private let loop: ReconcileLoop
    private let finishing: FinishingQueue
    private let clearing: ClearingQueue<SimulatedRedis>
    private let looping: Task<Void, Never>

    /// What a server finds when it starts.
    struct Surroundings {
        let plan: SchedulePlan
        let process: SimulatedProcess
        let stock: SimulatedRedis
        let lockNodes: [LockNode<SimulatedRedis>]
        let ledger: ModelLedger
        let random: RandomSource
        let perUserLimit: Int?
    }

    static let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }

    /// Starts the server: it sells as soon as its stock has been compared with the ledger.
    static func start(_ around: Surroundings) throws -> SimulatedServer {
        let finishing = FinishingQueue()
        let policies = StrategySettings(leaseTimeToLive: SchedulePlan.lease)
        let strategy = try StrategyBuilder(
            stock: around.stock, lockNodes: around.lockNodes, clock: around.process.clock,
            random: around.random, settings: policies, fences: .ledger(around.ledger), finishing: finishing
        ).strategy(around.plan.strategy)
        return SimulatedServer(
            strategy, around, finishing,
            ServiceSettings(
                strategy: around.plan.strategy, patience: SchedulePlan.patience,
                perUserLimit: around.perUserLimit, policies: policies))
    }

    private init(
        _ strategy: some LockStrategy, _ around: Surroundings, _ finishing: FinishingQueue,
        _ settings: ServiceSettings
    ) {
        let (process, redis) = (around.process, around.stock)
        let clock = process.clock
        let gate = SalesGate(generation: { redis.serverGeneration }, isHeld: true)
        let stock = StockStore(redis, layout: around.plan.strategy.traits.stockLayout)
        let sleep: ReconcileLoop.Sleep = { [process] time in
            try await clock.sleep(until: clock.now + time, tolerance: nil)
            if process.isDead { throw CancellationError() }
        }
        let clearing = ClearingQueue(
            stock, gate: gate, linger: Self.linger, sleep: sleep, logger: Self.silent)
        let assembly = ServiceAssembly(
            strategy: strategy, store: around.ledger, stock: stock, settings: settings,
            gate: gate, clearing: clearing, random: around.random, clock: process.wallClock,
            now: { clock.now },
            logger: Self.silent)
        let reconciler = assembly.reconciler(servers: { () async throws(RedisError) in
            try await redis.meetServers()
        })
        let loop = ReconcileLoop(
            reconciler, gate: gate, interval: Self.reconcileInterval,
            sleep: sleep, logger: Self.silent)
        self.process = process
        ledger = around.ledger
        buy = { order in
            do throws(InventoryError) {
                return ServiceAnswer(try await assembly.purchases.purchase(order))
            } catch {
                return ServiceAnswer(error)
            }
        }
        adjust = { delta, actor in
            _ = try? await assembly.supply.adjust(Self.product, by: delta, because: "counted", actor: actor)
        }
        reconcile = { try? await reconciler.run() }
        self.loop = loop
        self.finishing = finishing
        self.clearing = clearing
        process.onDeath { loop.finish() }
        looping = process.start { await loop.run() }
    }

    /// Sold reservations wait for their end in Redis.
    var isClearing: Bool { clearing.count > 0 }

    /// Ends in order: what is under way is finished.
    func close() async {
        loop.finish()
        await looping.value
        await clearing.finish()
        await finishing.finish()
        await ledger.close()
    }
}

extension SimulatedProcess {
    /// The time of day: all processes agree about it.
    var wallClock: WallClock {
        WallClock { [world] in Timestamp(microseconds: 1_700_000_000_000_000 + world.now / 1_000) }
    }
}
