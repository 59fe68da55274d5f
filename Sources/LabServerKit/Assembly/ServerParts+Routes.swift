import Hummingbird
import InventoryService
import LockStrategies
import RedisClient

extension ServerParts {
    /// The routes over these parts, and the front door before them: no socket, no file, no environment.
    /// Tests call it too.
    ///
    /// - Parameters:
    ///   - strategy: Sells.
    ///   - checks: What must be in reach beside the ledger and the stock.
    ///   - reconcile: Compares all stocks with the ledger, and puts right what differs.
    func routes(
        by strategy: some LockStrategy, checks: [ReadinessCheck] = [], reconcile: @escaping ReconcileCall
    ) -> ServerRoutes {
        let auth = AuthService(store: store, hasher: hasher, tokens: tokens, presence: presence)
        let service = self.service(by: strategy)
        var basics = [ReadinessCheck(name: "ledger") { [store] in try await store.check() }]
        if stock.layout != .ledger {
            basics.append(ReadinessCheck(name: "redis") { [stock] in try await stock.check() })
            basics.append(
                ReadinessCheck(name: "stock") { [gate] in
                    // Before the first comparison that is "starting".
                    guard gate.isHeld || gate.isOpen else {
                        throw InventoryError(.stockUnknown, "what Redis says of stock cannot be believed")
                    }
                })
        }

        let router = Router(context: LabRequestContext.self, options: .autoGenerateHeadEndpoints)
        let prefix = String(RandomSource.system.next() >> 32, radix: 16)
        let identity = RequestIdentity(prefix: prefix)
        let metrics = ServerMetrics(
            strategy: settings.strategy.id, redis: redisMeter, ledger: ledgerMeter,
            lag: loopLag)
        let door = FrontDoor(front, identity: identity, metrics: metrics)
        let routes = RouteRegistrar(router, behind: door, auth: auth)
        let products = service.products
        AuthRoutes(auth: auth, limiter: limiter).add(to: routes)
        ProductRoutes(products: products).add(to: routes)
        PurchaseRoutes(
            purchases: service.purchases, store: store, strategy: settings.strategy.id, metrics: metrics
        ).add(to: routes)
        AdminRoutes(auth: auth, products: products, store: store).add(to: routes)
        StockRoutes(products: products, supply: service.supply, reconcile: reconcile).add(to: routes)
        let readiness = Readiness(checks: basics + checks, gate: gate, draining: draining)
        HealthRoutes(strategy: settings.strategy.id, readiness: readiness).add(to: routes)
        LogRoutes(threshold: logThreshold).add(to: routes)
        DocumentRoutes().add(to: routes)
        // Behind all routes: it is for what none of them answers.
        router.add(middleware: door)
        let administrators = auth.administrators
        return ServerRoutes(router: router, metrics: metrics, identity: identity, readiness: readiness) {
            order throws(InventoryError) in
            try await administrators.make(
                username: order.username, password: order.password, email: order.email
            ).sentence
        }
    }

    /// Brings Redis back to what the ledger says.
    func reconciler<Strategy: LockStrategy>(
        by strategy: Strategy, redis: RedisClient
    ) -> Reconciler<Strategy, Store, MeteredRedis> {
        service(by: strategy).reconciler(
            servers: { () async throws(RedisError) in try await redis.meetServers() },
            onReport: { [reconcileCounts] in reconcileCounts.note($0) })
    }

    /// What sells, by a strategy, of these parts.
    private func service<Strategy: LockStrategy>(
        by strategy: Strategy
    ) -> ServiceAssembly<Strategy, Store, MeteredRedis> {
        ServiceAssembly(
            strategy: strategy, store: store, stock: stock, settings: settings, gate: gate,
            clearing: clearing, crashPoints: crashPoints, logger: logger)
    }
}
