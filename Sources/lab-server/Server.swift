import Foundation
import Hummingbird
import InventoryService
import LockStrategies
import Logging
import NIOCore
import RedisClient
import ServiceLifecycle
import UnixSignals

/// A server from its plan to its last answer: what it opens, it closes, in the opposite order.
struct Server: Sendable {
    let plan: ServePlan
    let logger: Logger

    /// Limits towards a lock node: a node that is slow counts as one that is away, or it would eat the
    /// validity of the lock.
    private static let lockNodeLimits = RedisClient.Limits(
        connect: .milliseconds(50), command: .milliseconds(50))
    /// In-flight requests have this long to end after SIGTERM.
    private static let drain = Duration.seconds(20)

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Parameter onReady: Called once with the URL when connections are accepted.
    /// - Throws: ``StartFailure``.
    func run(onReady: @escaping @Sendable (String) -> Void) async throws {
        let (stock, lockNodes) = try redisClients()
        do {
            try await serve(stock: stock, lockNodes: lockNodes, onReady: onReady)
        } catch {
            await close([stock] + lockNodes)
            throw error
        }
        await close([stock] + lockNodes)
    }

    private func serve(
        stock: RedisClient, lockNodes: [RedisClient], onReady: @escaping @Sendable (String) -> Void
    ) async throws {
        let strategy = try strategy(stock: stock, lockNodes: lockNodes)
        let store = StockStore(stock)
        do throws(InventoryError) {
            try await store.check()
        } catch {
            let reason = (error.underlying as? RedisError)?.context ?? error.context
            throw StartFailure(
                .redisUnreachable, "cannot reach Redis at \(stock.endpoint): \(reason); is it running?")
        }
        let ledger = try await openLedger()
        let hasher = PasswordHasher(cost: plan.bcryptCost)
        do {
            let parts = LabParts(
                store: ledger, stock: store, hasher: hasher, tokens: try tokens(), settings: plan.settings,
                logger: logger)
            let router = buildRouter(
                strategy: strategy, parts: parts, checks: Self.lockNodeChecks(lockNodes))
            try await listen(router, onReady: onReady)
        } catch {
            await ledger.close()
            await hasher.shutDown()
            throw error
        }
        await ledger.close()
        await hasher.shutDown()
    }

    private func redisClients() throws(StartFailure) -> (RedisClient, [RedisClient]) {
        switch plan.redis {
        case .servers(let stock, let lockNodes):
            return (
                RedisClient(stock), lockNodes.map { RedisClient($0, limits: Self.lockNodeLimits) }
            )
        case .embedded:
            throw StartFailure(.usage, "give the address of a Redis with --redis redis://127.0.0.1:6379")
        }
    }

    private func strategy(
        stock: RedisClient, lockNodes: [RedisClient]
    ) throws(StartFailure) -> any LockStrategy {
        let catalogue = StrategyCatalogue(
            stock: stock,
            lockNodes: lockNodes.map { LockNode(name: $0.endpoint.description, redis: $0) },
            clock: ContinuousClock())
        do throws(StrategyConfigurationError) {
            return try catalogue.strategy(plan.settings.strategy)
        } catch {
            throw StartFailure(.usage, "--strategy \(plan.settings.strategy): \(error)")
        }
    }

    private func openLedger() async throws(StartFailure) -> SQLiteLedger {
        do throws(InventoryError) {
            return try await SQLiteLedger.open(path: plan.databasePath)
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
    }

    private func tokens() throws -> AccessTokens {
        switch plan.secret {
        case .given(let secret):
            return try AccessTokens(.init(secret: secret))
        case .random:
            logger.warning("--dev: the token secret is random, so all tokens end with this process")
            let words = (0..<4).map { _ in String(RandomSource.system.next(), radix: 16) }
            return try AccessTokens(.init(secret: Secret(words.joined(separator: "-") + "-random-for-dev")))
        }
    }

    private func listen(
        _ router: Router<LabRequestContext>, onReady: @escaping @Sendable (String) -> Void
    ) async throws {
        let host = plan.host.contains(":") ? "[\(plan.host)]" : plan.host
        let application = Application(
            router: router,
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(60),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(plan.host, port: plan.port), backlog: 1024),
            onServerRunning: { channel in onReady("http://\(host):\(channel.localAddress?.port ?? 0)") },
            logger: logger)
        var group = ServiceGroupConfiguration(
            services: [.init(service: application)], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        group.maximumGracefulShutdownDuration = Self.drain
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as IOError {
            throw StartFailure(
                .addressInUse,
                "cannot listen on \(host):\(plan.port): \(error.localizedReason); stop what uses it, or choose "
                    + "another --port")
        }
    }

    private static func lockNodeChecks(_ nodes: [RedisClient]) -> [ReadinessCheck] {
        guard !nodes.isEmpty else { return [] }
        let check = ReadinessCheck(name: "lock-nodes") {
            let reachable = await withTaskGroup(of: Bool.self) { group in
                for node in nodes {
                    group.addTask { (try? await node.send(RedisCommand("PING"))) != nil }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            guard reachable > nodes.count / 2 else {
                throw Problem(status: .serviceUnavailable, detail: "\(reachable) of \(nodes.count) answer")
            }
        }
        return [check]
    }

    private func close(_ clients: [RedisClient]) async {
        for client in clients { await client.close() }
    }
}

extension IOError {
    /// The words of the system for the error number.
    fileprivate var localizedReason: String {
        unsafe String(cString: strerror(errnoCode))
    }
}
