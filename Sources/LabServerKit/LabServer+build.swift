import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import InventoryService
import LockStrategies
import Logging
import NIOCore
import RedisClient

/// What the routes need; nothing in here was made by the routes.
struct LabParts<Store: Ledger, Redis: RedisPort>: Sendable {
    let store: Store
    let stock: StockStore<Redis>
    let hasher: PasswordHasher
    let tokens: AccessTokens
    let settings: LabSettings
    let logger: Logger
    var limiter = AuthLimiter(.off)
    var front = FrontSettings()
    var draining = DrainFlag()
    /// Shared with the reconciler.
    var gate = SalesGate.open
    var crashPoints = CrashPoints.none
    var reconcileCounts = ReconcileCounts()
    var redisMeter = RedisMeter()
    var ledgerMeter = LedgerMeter()
    var loopLag = LoopLag()
    /// Products whose stock the metrics show.
    var metricsProducts = 100
    /// Nil without TLS.
    var tls: TLSIdentity?
    /// Shared with the logger; the admin route changes it.
    var logThreshold = LogThreshold(.notice)
}

/// What stands between the network and the routes.
struct FrontSettings: Sendable {
    var connection = ConnectionPhase.Limits()
    /// Connections at the same time; more wait in the system's queue.
    var connections = 20_000
    /// Requests that are answered at the same time; more are refused.
    var inFlight = 12_000
    /// Requests of one route in flight, so that none takes the others' room.
    var inFlightPerRoute = 10_000
    var proxies = TrustedProxies.none
    /// Sites whose pages may call the API.
    var origins: Set<String> = []
    var isEncrypted = false
}

/// The routes, and what the parts around them share with them.
struct BuiltServer {
    let router: Router<LabRequestContext>
    let metrics: ServerMetrics
    let identity: RequestIdentity
}

struct LabSettings: Sendable, Hashable {
    var strategy: StrategyID
    /// How long a buyer waits for the lock.
    var patience: Duration
    /// Units of one product that one user may buy in all; nil: any number.
    var perUserLimit: Int?

    init(strategy: StrategyID, patience: Duration = .seconds(5), perUserLimit: Int? = nil) {
        self.strategy = strategy
        self.patience = patience
        self.perUserLimit = perUserLimit
    }
}

/// Puts the server together from its parts: no socket, no file, no environment. Tests call it too.
///
/// - Parameters:
///   - checks: What must be in reach beside the ledger and the stock.
///   - reconcile: Compares all stocks with the ledger, and puts right what differs.
func buildRouter<Store: Ledger, Redis: RedisPort>(
    strategy: some LockStrategy, parts: LabParts<Store, Redis>, checks: [ReadinessCheck] = [],
    reconcile: @escaping ReconcileCall
) -> BuiltServer {
    let auth = AuthService(store: parts.store, hasher: parts.hasher, tokens: parts.tokens)
    let purchases = PurchaseService(
        strategy: strategy, store: parts.store, stock: parts.stock,
        settings: .init(
            strategy: parts.settings.strategy, patience: parts.settings.patience,
            perUserLimit: parts.settings.perUserLimit),
        gate: parts.gate, crashPoints: parts.crashPoints, logger: parts.logger)
    let store = parts.store
    let stock = parts.stock
    var basics = [ReadinessCheck(name: "ledger") { try await store.check() }]
    if stock.layout != .ledger {
        basics.append(ReadinessCheck(name: "redis") { try await stock.check() })
    }

    let router = Router(context: LabRequestContext.self)
    let prefix = String(RandomSource.system.next() >> 32, radix: 16)
    let identity = RequestIdentity(prefix: prefix)
    let metrics = ServerMetrics(
        strategy: parts.settings.strategy, redis: parts.redisMeter, ledger: parts.ledgerMeter,
        lag: parts.loopLag)
    router.add(
        middleware: ProblemMiddleware(
            identity: identity, metrics: metrics, crossOrigin: CrossOrigin(origins: parts.front.origins),
            inFlight: parts.front.inFlight, proxies: parts.front.proxies, isEncrypted: parts.front.isEncrypted
        ))
    let routes = RouteRegistrar(
        router, auth: auth, metrics: metrics, inFlight: parts.front.inFlightPerRoute)
    let products = ProductService(store: store, stock: stock)
    AuthRoutes(auth: auth, limiter: parts.limiter).add(to: routes)
    ProductRoutes(products: products).add(to: routes)
    PurchaseRoutes(
        purchases: purchases, store: store, strategy: parts.settings.strategy, metrics: metrics
    ).add(to: routes)
    AdminRoutes(auth: auth, products: products, store: store).add(to: routes)
    let supply = SupplyService(
        strategy: strategy, store: store, stock: stock, gate: parts.gate, patience: parts.settings.patience,
        crashPoints: parts.crashPoints)
    StockRoutes(products: products, supply: supply, reconcile: reconcile).add(to: routes)
    HealthRoutes(
        strategy: parts.settings.strategy, checks: basics + checks, gate: parts.gate, draining: parts.draining
    ).add(to: routes)
    LogRoutes(threshold: parts.logThreshold).add(to: routes)
    DocumentRoutes().add(to: routes)
    return BuiltServer(router: router, metrics: metrics, identity: identity)
}

/// The reconciler of a server that is put together from the same parts.
func buildReconciler<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort>(
    strategy: Strategy, parts: LabParts<Store, Redis>, redis: RedisClient
) -> Reconciler<Strategy, Store, Redis> {
    Reconciler(
        strategy: strategy, store: parts.store, stock: parts.stock, gate: parts.gate,
        servers: { () async throws(RedisError) in try await redis.meetServers() },
        patience: parts.settings.patience, crashPoints: parts.crashPoints,
        onReport: { parts.reconcileCounts.note($0) }, logger: parts.logger)
}

/// The server around the routes, with its limits on connections and headers.
///
/// - Parameter tls: Nil speaks HTTP without TLS.
/// - Throws: When NIOSSL refuses the pair, which ``TLSFiles/load(at:)`` has tried.
func buildApplication(
    _ built: BuiltServer, address: BindAddress, front: FrontSettings = FrontSettings(),
    tls: TLSIdentity? = nil, logger: Logger,
    onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
) throws -> Application<RouterResponder<LabRequestContext>> {
    let (identity, metrics) = (built.identity, built.metrics)
    let http = HTTPServerBuilder.http1(
        configuration: .init(
            additionalChannelHandlers: [
                ConnectionGuard(front.connection, identity: identity, metrics: metrics)
            ],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: FixedLimits.headerBytes, maxHeaderListSize: FixedLimits.headersBytes,
                maxHeaderFieldCount: FixedLimits.headers)))
    return Application(
        router: built.router,
        server: try tls.map { try .tls(http, tlsConfiguration: $0.configuration) } ?? http,
        configuration: ApplicationConfiguration(
            address: address, backlog: FixedLimits.backlog,
            availableConnectionsDelegate: .maximum(front.connections, logger: logger)),
        onServerRunning: onServerRunning, logger: logger)
}
