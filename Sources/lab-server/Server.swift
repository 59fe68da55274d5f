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

    /// In-flight requests have this long to end after SIGTERM.
    private static let drain = Duration.seconds(20)

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Parameter onReady: Called once with the URL when connections are accepted.
    /// - Throws: ``StartFailure``.
    func run(onReady: @escaping @Sendable (String) -> Void) async throws {
        // A Redis that is given is asked first: nothing is made for a server that cannot sell.
        let given = try await givenServers()
        let ledger: SQLiteLedger
        do throws(StartFailure) {
            ledger = try await openLedger()
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
                try await serve(redis, ledger, onReady: onReady)
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

    private func givenServers() async throws(StartFailure) -> RedisServers? {
        guard case .servers(let stock, let lockNodes) = plan.redis else { return nil }
        let servers = RedisServers(stock: stock, lockNodes: lockNodes)
        do throws(StartFailure) {
            _ = try strategy(servers)
            try await servers.check()
        } catch {
            await servers.close()
            throw error
        }
        return servers
    }

    private func embeddedServers() async throws(StartFailure) -> RedisServers {
        try await RedisServers.embedded(
            directory: plan.databasePath + ".redis",
            lockNodes: plan.settings.strategy.needsLockNodes ? 5 : 0)
    }

    private func serve(
        _ redis: RedisServers, _ ledger: SQLiteLedger, onReady: @escaping @Sendable (String) -> Void
    ) async throws {
        let hasher = PasswordHasher(cost: plan.bcryptCost)
        let result: Result<Void, any Error>
        do {
            let parts = LabParts(
                store: ledger,
                stock: StockStore(redis.stock, layout: plan.settings.strategy.traits.stockLayout),
                hasher: hasher, tokens: try tokens(),
                settings: plan.settings, logger: logger)
            let router = buildRouter(
                strategy: try strategy(redis, fences: .ledger(ledger)), parts: parts,
                checks: redis.readinessChecks)
            try await listen(router, onReady: onReady)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await hasher.shutDown()
        try result.get()
    }

    private func strategy(
        _ redis: RedisServers, fences: FenceOrigin = .unrecorded
    ) throws(StartFailure) -> any LockStrategy {
        let catalogue = StrategyCatalogue(
            stock: redis.stock,
            lockNodes: redis.lockNodes.map { LockNode(name: $0.endpoint.server, redis: $0) },
            clock: ContinuousClock(), fences: fences)
        do throws(StrategyConfigurationError) {
            return try catalogue.strategy(plan.settings.strategy)
        } catch {
            throw StartFailure(.usage, "--strategy \(plan.settings.strategy): \(error)")
        }
    }

    private func openLedger() async throws(StartFailure) -> SQLiteLedger {
        if plan.databasePath == ServePlan.defaultDatabasePath {
            // Where this fails, opening says why.
            try? FileManager.default.createDirectory(atPath: "data", withIntermediateDirectories: true)
        }
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
        let application = buildApplication(
            router, address: .hostname(plan.host, port: plan.port), logger: logger
        ) { channel in onReady("http://\(host):\(channel.localAddress?.port ?? 0)") }
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
}

extension IOError {
    /// The words of the system for the error number.
    fileprivate var localizedReason: String {
        unsafe String(cString: strerror(errnoCode))
    }
}
