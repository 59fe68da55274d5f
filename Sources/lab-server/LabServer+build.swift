import Hummingbird
import InventoryService
import LockStrategies
import Logging
import NIOCore

/// What the routes need; nothing in here was made by the routes.
struct LabParts<Store: Ledger, Redis: RedisPort>: Sendable {
    let store: Store
    let stock: StockStore<Redis>
    let hasher: PasswordHasher
    let tokens: AccessTokens
    let settings: LabSettings
    let logger: Logger
}

struct LabSettings: Sendable, Hashable {
    var strategy: StrategyID
    /// How long a buyer waits for the lock.
    var patience: Duration

    init(strategy: StrategyID, patience: Duration = .seconds(5)) {
        self.strategy = strategy
        self.patience = patience
    }
}

/// Puts the server together from its parts: no socket, no file, no environment. Tests call it too.
///
/// - Parameter checks: What must be in reach beside the ledger and the stock.
func buildRouter<Store: Ledger, Redis: RedisPort>(
    strategy: some LockStrategy, parts: LabParts<Store, Redis>, checks: [ReadinessCheck] = []
) -> Router<LabRequestContext> {
    let auth = AuthService(store: parts.store, hasher: parts.hasher, tokens: parts.tokens)
    let purchases = PurchaseService(
        strategy: strategy, store: parts.store, stock: parts.stock,
        settings: .init(strategy: parts.settings.strategy, patience: parts.settings.patience),
        logger: parts.logger)
    let store = parts.store
    let stock = parts.stock
    var basics = [ReadinessCheck(name: "ledger") { try await store.check() }]
    if stock.layout != .ledger {
        basics.append(ReadinessCheck(name: "redis") { try await stock.check() })
    }

    let router = Router(context: LabRequestContext.self)
    router.add(middleware: ProblemMiddleware())
    let signedIn = router.group().add(middleware: Authentication(auth: auth))
    AuthRoutes(auth: auth).add(to: router, signedIn: signedIn)
    ProductRoutes(products: ProductService(store: store, stock: stock)).add(to: signedIn)
    PurchaseRoutes(purchases: purchases, store: store, strategy: parts.settings.strategy).add(to: signedIn)
    HealthRoutes(strategy: parts.settings.strategy, checks: basics + checks).add(to: router)
    MethodGuard.add(to: router, allowed: MethodGuard.routes)
    return router
}

/// The server around the routes, with its limits on connections and headers.
func buildApplication(
    _ router: Router<LabRequestContext>, address: BindAddress, logger: Logger,
    onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
) -> Application<RouterResponder<LabRequestContext>> {
    Application(
        router: router,
        server: .http1(
            configuration: .init(
                idleTimeout: .seconds(60),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
        configuration: ApplicationConfiguration(address: address, backlog: 1024),
        onServerRunning: onServerRunning, logger: logger)
}
