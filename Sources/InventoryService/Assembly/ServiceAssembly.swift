public import LockStrategies
public import Logging

/// What sells, put together once: one strategy, one ledger, one stock, and one gate before all of them. The
/// HTTP API and the bench's direct mode have the same.
public struct ServiceAssembly<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort>: Sendable {
    public let purchases: PurchaseService<Strategy, Store, Redis>
    public let products: ProductService<Store, Redis>
    public let supply: SupplyService<Strategy, Store, Redis>

    private let strategy: Strategy
    private let store: Store
    private let stock: StockStore<Redis>
    private let settings: ServiceSettings
    private let gate: SalesGate
    private let clock: WallClock
    private let now: @Sendable () -> ContinuousClock.Instant
    private let crashPoints: CrashPoints
    private let logger: Logger

    /// - Parameters:
    ///   - clearing: As in ``PurchaseService``.
    ///   - clock: What records are dated by.
    ///   - now: What deadlines and timings are counted by; the strategy has the same.
    public init(
        strategy: Strategy, store: Store, stock: StockStore<Redis>, settings: ServiceSettings,
        gate: SalesGate = .open, clearing: ClearingQueue<Redis>? = nil, random: RandomSource = .system,
        clock: WallClock = .system,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }, crashPoints: CrashPoints = .none,
        logger: Logger
    ) {
        self.strategy = strategy
        self.store = store
        self.stock = stock
        self.settings = settings
        self.gate = gate
        self.clock = clock
        self.now = now
        self.crashPoints = crashPoints
        self.logger = logger
        purchases = PurchaseService(
            strategy: strategy, store: store, stock: stock, settings: settings, gate: gate,
            clearing: clearing, random: random, clock: clock, now: now, crashPoints: crashPoints,
            logger: logger)
        products = ProductService(store: store, stock: stock, clock: clock)
        supply = SupplyService(
            strategy: strategy, store: store, stock: stock, gate: gate, patience: settings.patience,
            random: random,
            clock: clock, now: now, crashPoints: crashPoints)
    }

    /// Brings this service's Redis back to what its ledger says.
    ///
    /// - Parameters:
    ///   - servers: As in ``Reconciler``.
    ///   - onReport: Called with the report of every run, for metrics.
    public func reconciler(
        servers: @escaping Reconciler<Strategy, Store, Redis>.Servers,
        onReport: @escaping @Sendable (ReconcileReport) -> Void = { _ in }
    ) -> Reconciler<Strategy, Store, Redis> {
        Reconciler(
            strategy: strategy, store: store, stock: stock, gate: gate, servers: servers,
            patience: settings.patience, clock: clock, now: now, crashPoints: crashPoints, onReport: onReport,
            logger: logger)
    }
}
