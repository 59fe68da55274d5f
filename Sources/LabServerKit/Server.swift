import EventLoopTasks
import Foundation
import Hummingbird
import InventoryService
import LedgerPostgres
import LedgerSQLite
import LockStrategies
import LocksPostgres
import Logging
import NIOCore
import PostgresClient
import RedisClient
import ServiceLifecycle
import UnixSignals

/// A server from its plan to its last answer: what it opens, it closes, in the opposite order.
struct Server: Sendable {
    let plan: ServePlan
    let logger: Logger
    /// Shared with the logger; the admin route changes it.
    let logThreshold: LogThreshold
    /// Lines of the log that were never written.
    let droppedLines: Counter

    /// Serves until SIGTERM or SIGINT.
    ///
    /// The order of a start: Redis is asked, the ledger is opened and brought up to date, then the server
    /// listens, and then stock and ledger are compared. So `/health/live` is answered, and `/health/startup`
    /// is 503, while a comparison takes its time, and until it is through no purchase is let in. Before that
    /// nothing listens, which a probe reads as not started.
    ///
    /// - Parameter onReady: Called once with the URLs when connections are accepted and the first comparison
    ///   has ended.
    /// - Throws: ``StartFailure``.
    func run(onReady: @escaping @Sendable (ServingAddresses) -> Void) async throws {
        switch plan.database {
        case .sqlite(let path):
            try await run(nil, onReady: onReady) { meter throws(StartFailure) in try await open(path, meter) }
        case .postgres(let endpoint):
            // Makes no connection before a buyer wants the first lock.
            let locks = plan.settings.strategy.needsPostgres ? PostgresAdvisoryLocks(endpoint) : nil
            defer { locks?.close() }
            try await run(locks, onReady: onReady) { meter throws(StartFailure) in
                try await open(endpoint, meter)
            }
        }
    }

    private func run<Store: ServedLedger>(
        _ locks: PostgresAdvisoryLocks?, onReady: @escaping @Sendable (ServingAddresses) -> Void,
        open: (LedgerMeter) async throws(StartFailure) -> Store
    ) async throws {
        let identity = try plan.tls.map { files throws(StartFailure) in try TLSIdentity(files) }
        // A Redis that is given is asked first: nothing is made for a server that cannot sell.
        let given = try await givenServers(locks)
        let ledger: Store
        let ledgerMeter = LedgerMeter(engine: Store.engine)
        do throws(StartFailure) {
            ledger = try await open(ledgerMeter)
            try await index(ledger)
        } catch {
            await given?.close()
            throw error
        }
        // An embedded Redis stands beside the database and comes after it: the database's lock keeps a
        // second server away from both.
        let result: Result<Void, any Error>
        do {
            let redis: RedisServers
            if let given { redis = given } else { redis = try await embeddedServers() }
            do {
                try await claim(redis, for: ledger)
                try await join(ledger)
                try await serve(redis, locks, ledger, ledgerMeter, identity, onReady: onReady)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await redis.close()
        } catch {
            result = .failure(error)
        }
        await ledger.close()
        try result.get()
    }

    private func givenServers(
        _ locks: PostgresAdvisoryLocks?
    ) async throws(StartFailure) -> RedisServers? {
        guard case .servers(let stock, let lockNodes) = plan.redis else { return nil }
        let servers = RedisServers(stock: stock, lockNodes: lockNodes, limits: plan.redisLimits)
        do throws(StartFailure) {
            _ = try strategy(servers, locks, RedisMeter())
            try await servers.check(for: plan.settings.strategy)
        } catch {
            await servers.close()
            throw error
        }
        return servers
    }

    private func claim(_ redis: RedisServers, for ledger: some ServedLedger) async throws(StartFailure) {
        let layout = plan.settings.strategy.traits.stockLayout
        guard layout != .ledger else { return }
        try await RedisClaim(
            stock: StockStore(redis.stock, layout: layout), endpoint: redis.stock.endpoint,
            isAdopting: plan.ownsRedis
        ).make(for: ledger)
    }

    /// Becomes one of the servers on a ledger that several share.
    private func join(_ ledger: some ServedLedger) async throws(StartFailure) {
        do throws(InventoryError) {
            try await ledger.company?.join()
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
    }

    private func embeddedServers() async throws(StartFailure) -> RedisServers {
        try await RedisServers.embedded(
            directory: "\(plan.database).redis",
            lockNodes: plan.settings.strategy.needsLockNodes ? 5 : 0, limits: plan.redisLimits)
    }

    private func serve(
        _ redis: RedisServers, _ locks: PostgresAdvisoryLocks?, _ ledger: some ServedLedger,
        _ ledgerMeter: LedgerMeter, _ identity: TLSIdentity?,
        onReady: @escaping @Sendable (ServingAddresses) -> Void
    ) async throws {
        let hasher = PasswordHasher(
            cost: plan.bcryptCost, threads: FixedLimits.passwordThreads, queue: plan.passwordQueue)
        let finishing = FinishingQueue()
        let stockServer = redis.stock
        let meter = RedisMeter(leftAlone: redis.leftAlone)
        let stock = StockStore(
            MeteredRedis(redis.stock, as: .stock, meter),
            layout: plan.settings.strategy.traits.stockLayout, replacesForeign: plan.ownsRedis)
        let gate = SalesGate(generation: { stockServer.serverGeneration }, isHeld: true)
        let clearing = ClearingQueue(stock, gate: gate, crashPoints: plan.crashPoints, logger: logger)
        let presence = ledger.company.map { ServerPresence(in: $0) { gate.reportAll() } }
        let living = Task { await presence?.run() }
        let result: Result<Void, any Error>
        do {
            let parts = ServerParts(
                store: ledger, stock: stock, hasher: hasher, tokens: try tokens(),
                settings: plan.settings, logger: logger, limiter: AuthLimiter(plan.authLimits),
                front: plan.front, gate: gate, clearing: clearing, presence: presence,
                crashPoints: plan.crashPoints, redisMeter: meter,
                ledgerMeter: ledgerMeter, metricsProducts: plan.metricsProducts, tls: identity,
                logThreshold: logThreshold,
                droppedLines: droppedLines)
            let strategy = try strategy(
                redis, locks, meter, fences: .ledger(ledger), finishing: finishing)
            let notice = StartNotice(withMetrics: plan.metricsPort != nil, onReady)
            let reconciling = reconciling(strategy, parts, stockServer, notice)
            let routes = parts.routes(
                by: strategy, checks: redis.readinessChecks,
                reconcile: Self.reconcile(strategy, parts, stockServer))
            try await listen(routes, parts, beside: reconciling, notice)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await clearing.finish()
        await finishing.finish()
        await hasher.shutDown()
        // Behind all that it worked on.
        living.cancel()
        await living.value
        await ledger.company?.leave()
        try result.get()
    }

    /// Compares the stock with the ledger before the first purchase, and from then on.
    private func reconciling(
        _ strategy: some LockStrategy, _ parts: ServerParts<some ServedLedger>, _ redis: RedisClient,
        _ notice: StartNotice
    ) -> any Service {
        ReconcileService(
            loop: ReconcileLoop(
                parts.reconciler(by: strategy, redis: redis), gate: parts.gate,
                interval: plan.reconcileInterval, onRun: { notice.hasCompared() }, logger: logger))
    }

    private func strategy(
        _ redis: RedisServers, _ locks: PostgresAdvisoryLocks?, _ meter: RedisMeter,
        fences: FenceOrigin = .unrecorded, finishing: FinishingQueue? = nil
    ) throws(StartFailure) -> any LockStrategy {
        do throws(StrategyConfigurationError) {
            return try plan.settings.strategy(
                on: MeteredRedis(redis.stock, as: .stock, meter),
                lockNodes: redis.lockNodes.map {
                    LockNode(name: $0.endpoint.server, redis: MeteredRedis($0, as: .lockNode, meter))
                }, fences: fences, finishing: finishing, advisoryLocks: locks,
                executor: LoopExecutors.shared[redis.eventLoop])
        } catch {
            throw StartFailure(.usage, "--strategy \(plan.settings.strategy): \(error)")
        }
    }

    private func open(_ path: String, _ meter: LedgerMeter) async throws(StartFailure) -> SQLiteLedger {
        if path == DatabaseAddress.standardPath {
            // Where this fails, opening says why.
            try? FileManager.default.createDirectory(atPath: "data", withIntermediateDirectories: true)
        }
        do throws(InventoryError) {
            let ledger = try await SQLiteLedger.open(path: path, settings: plan.ledger) {
                meter.committed(in: $0)
            }
            if let copy = ledger.copyBefore {
                logger.notice(
                    "the schema of the ledger was brought up to date; a copy of before is kept",
                    metadata: ["event": "ledger_migrated", "copy": "\(copy)"])
            }
            return ledger
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
    }

    private func open(
        _ endpoint: PostgresEndpoint, _ meter: LedgerMeter
    ) async throws(StartFailure) -> PostgresLedger {
        do throws(InventoryError) {
            return try await PostgresLedger.open(endpoint, settings: plan.ledger) { meter.committed(in: $0) }
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
    }

    private func index(_ ledger: some ServedLedger) async throws(StartFailure) {
        guard plan.settings.perUserLimit != nil else { return }
        do throws(InventoryError) {
            try await ledger.indexPurchasesByUserAndProduct()
        } catch {
            await ledger.close()
            throw StartFailure(.databaseUnusable, error.context)
        }
    }

    private func tokens() throws -> AccessTokens {
        switch plan.secret {
        case .given(let secret):
            return try AccessTokens(.init(secret: secret, lifetime: plan.tokenLifetime))
        case .random:
            logger.warning("--dev: the token secret is random, so all tokens end with this process")
            let words = (0..<4).map { _ in String(RandomSource.system.next(), radix: 16) }
            let secret = Secret(words.joined(separator: "-") + "-random-for-dev")
            return try AccessTokens(.init(secret: secret, lifetime: plan.tokenLifetime))
        }
    }

    private static func reconcile(
        _ strategy: some LockStrategy, _ parts: ServerParts<some ServedLedger>,
        _ redis: RedisClient
    ) -> ReconcileCall {
        let reconciler = parts.reconciler(by: strategy, redis: redis)
        return { try await reconciler.run(isDryRun: $0) }
    }

    /// Listens until a signal, then ends in order: readiness first, then listening, then what is in flight.
    private func listen(
        _ routes: ServerRoutes, _ parts: ServerParts<some ServedLedger>,
        beside reconciling: any Service, _ notice: StartNotice
    ) async throws {
        let host = Self.inURL(plan.host)
        let scheme = parts.tls == nil ? "http" : "https"
        let api = try routes.service(
            at: .hostname(plan.host, port: plan.port), front: plan.front, tls: parts.tls,
            logger: logger
        ) { channel in notice.listens(at: "\(scheme)://\(host):\(channel.localAddress?.port ?? 0)") }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: reconciling), .init(service: LagService(lag: parts.loopLag)),
        ]
        if let page = metricsPage(routes, parts, notice) { services.append(.init(service: page)) }
        if let socket = parts.store.adminSocket {
            let door = AdminDoor(
                socket: socket, appoint: routes.appoint, logger: logger,
                onSettled: { notice.hasSettledOrders() })
            services.append(.init(service: door))
        } else {
            notice.hasSettledOrders()
        }
        services.append(.init(service: api))
        var group = ServiceGroupConfiguration(services: services, logger: logger)
        group.maximumGracefulShutdownDuration = plan.drainTimeout
        // What does not even end when it is cancelled does not keep the process: then it ends itself.
        group.maximumCancellationDuration = Self.cancellationLimit
        // Who closes the terminal of a server without a certificate means its end.
        let isAtTerminal = isatty(STDIN_FILENO) == 1
        let renewal = Task { [logger] in
            if parts.tls != nil || !isAtTerminal { await Self.renew(parts.tls, logger) }
        }
        defer { renewal.cancel() }
        do {
            try await run(ServiceGroup(configuration: group), draining: parts.draining)
        } catch let error as IOError {
            throw StartFailure(
                .addressInUse,
                "cannot listen on \(host):\(plan.port): \(error.localizedReason); stop what uses it, or choose "
                    + "another --port or --metrics-port")
        }
    }

    private func metricsPage(
        _ routes: ServerRoutes, _ parts: ServerParts<some ServedLedger>,
        _ notice: StartNotice
    ) -> (any Service)? {
        guard let port = plan.metricsPort else { return nil }
        let host = Self.inURL(plan.metricsHost)
        let gauges = { @Sendable [readiness = routes.readiness] in await parts.gauges(readiness: readiness) }
        return buildMetricsApplication(
            routes.metrics, address: .hostname(plan.metricsHost, port: port), gauges: gauges, logger: logger
        ) { [logger] channel in
            let port = channel.localAddress?.port ?? 0
            logger.notice("metrics", metadata: ["event": "metrics_listening", "port": "\(port)"])
            notice.showsMetrics(at: "http://\(host):\(port)/metrics")
        }
    }

    /// An address of IPv6 stands in brackets.
    private static func inURL(_ host: String) -> String {
        host.contains(":") ? "[\(host)]" : host
    }

    /// Reads the certificate's files again at each SIGHUP; a pair that cannot be used changes nothing.
    private static func renew(_ identity: TLSIdentity?, _ logger: Logger) async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            guard let identity else {
                logger.notice(
                    "SIGHUP: there is no certificate to read again", metadata: ["event": "nothing_to_reload"])
                continue
            }
            do throws(StartFailure) {
                try identity.reload()
                let pair = identity.current
                logger.notice(
                    "certificate read",
                    metadata: [
                        "event": "certificate_loaded", "serial": "\(pair.serial)", "ends": "\(pair.ends)",
                    ])
            } catch {
                logger.error(
                    "certificate not read; the one before stays",
                    metadata: ["event": "certificate_refused", "error": "\(error)"])
            }
        }
    }

    private func run(_ group: ServiceGroup, draining: DrainFlag) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let watch = Task { [logger, plan] in
            for await signal in signals {
                // Whoever asks twice does not want to wait.
                if draining.isSet { Foundation.exit(Self.endedBySecondSignal) }
                logger.notice("ending", metadata: ["event": "draining", "signal": "\(signal)"])
                draining.set()
                let delay = signal == .sigterm ? plan.drainDelay : .zero
                Task {
                    try? await ContinuousClock().sleep(for: delay)
                    await group.triggerGracefulShutdown()
                }
            }
        }
        defer { watch.cancel() }
        try await group.run()
    }

    private static let cancellationLimit = Duration.seconds(30)

    /// As a shell names an end by SIGINT.
    private static let endedBySecondSignal: Int32 = 130
}

extension IOError {
    /// The words of the system for the error number.
    fileprivate var localizedReason: String {
        unsafe String(cString: strerror(errnoCode))
    }
}
