import ArgumentParser
import Foundation
import InventoryService
import LedgerPostgres
import LedgerSQLite
import LockStrategies
import LocksPostgres
import Logging
import RedisClient

/// `lab-server reconcile`: what the server does at its start and on its timer, on the files of a stopped one.
struct Reconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare the stock in Redis with the ledger of a stopped server.",
        discussion: """
            Reports what a crash left behind: open reservations, stocks that are missing, outdated or off by some \
            units. Changes nothing without --fix. Exit code 0: they agree, or all was put right; 1: something was \
            found, or could not be put right.

            A running server does the same by itself, and at once on POST /api/admin/reconcile.
            """)

    @Option(
        help: ArgumentHelp(
            "Redis URLs as for serve; without it the redis-server beside the database is started for the time.",
            valueName: "url,url…"))
    var redis: String?

    @OptionGroup var ledger: LedgerOptions

    @Option(help: "How the server that uses this stock keeps buyers apart: it says where the stock is.")
    var strategy = "lua-atomic"

    @Flag(help: "Put right what is found.")
    var fix = false

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "lab-server")
        logger.logLevel = .error
        let report = try await reconcile(logger)
        try answer(report.text)
        let isFine = fix ? !report.hasProblems : report.entries.isEmpty
        if !isFine { Foundation.exit(1) }
    }

    private func reconcile(_ logger: Logger) async throws -> ReconcileReport {
        let registry = StrategyRegistry.builtIn
        guard let strategy = registry.entry(named: strategy) else {
            throw StartFailure(.usage, registry.complaint(about: strategy))
        }
        let address = try ledger.address
        if let problem = strategy.problem(on: address) {
            throw StartFailure(.usage, "--strategy \(problem)")
        }
        switch address {
        case .sqlite(let path):
            guard FileManager.default.fileExists(atPath: path) else {
                throw StartFailure(.databaseUnusable, "there is no database \(path); check --database")
            }
            return try await reconcile(path, strategy, nil, logger) { () throws(InventoryError) in
                do throws(InventoryError) {
                    return try await SQLiteLedger.open(path: path)
                } catch {
                    guard error.code == .databaseLocked else { throw error }
                    throw InventoryError(
                        error.code,
                        "a server is using \(path): stop it, or let it reconcile with POST /api/admin/reconcile"
                    )
                }
            }
        case .postgres(let endpoint):
            guard redis != nil else {
                throw StartFailure(
                    .usage, "reconcile with PostgreSQL needs --redis: where the servers' stock is")
            }
            let locks = strategy.needsPostgres ? PostgresAdvisoryLocks(endpoint) : nil
            defer { locks?.close() }
            return try await reconcile("\(endpoint)", strategy, locks, logger) { () throws(InventoryError) in
                try await PostgresLedger.open(endpoint)
            }
        }
    }

    private func reconcile<Store: ServedLedger>(
        _ path: String, _ strategy: StrategyEntry, _ locks: PostgresAdvisoryLocks?, _ logger: Logger,
        open: () async throws(InventoryError) -> Store
    ) async throws -> ReconcileReport {
        let ledger: Store
        do throws(InventoryError) {
            ledger = try await open()
        } catch {
            throw StartFailure(.databaseUnusable, error.context)
        }
        let result: Result<ReconcileReport, any Error>
        do {
            result = .success(try await reconcile(ledger, path, strategy, locks, logger))
        } catch {
            result = .failure(error)
        }
        await ledger.close()
        return try result.get()
    }

    private func reconcile(
        _ ledger: some ServedLedger, _ path: String, _ strategy: StrategyEntry,
        _ locks: PostgresAdvisoryLocks?, _ logger: Logger
    ) async throws -> ReconcileReport {
        let servers = try await servers(beside: path, strategy)
        let result: Result<ReconcileReport, any Error>
        do {
            let settings = ServiceSettings(strategy: strategy)
            let returns = try settings.strategy(
                on: servers.stock,
                lockNodes: servers.lockNodes.map { LockNode(name: $0.endpoint.server, redis: $0) },
                fences: .ledger(ledger), advisoryLocks: locks)
            result = .success(
                try await Self.run(returns, ledger, servers.stock, settings, isDryRun: !fix, logger))
        } catch let error as InventoryError {
            result = .failure(StartFailure(.redisUnreachable, "\(error.context); check --redis"))
        } catch {
            result = .failure(error)
        }
        await servers.close()
        return try result.get()
    }

    private func servers(beside path: String, _ strategy: StrategyEntry) async throws -> RedisServers {
        guard let redis else {
            return try await RedisServers.embedded(
                directory: path + ".redis", lockNodes: strategy.needsLockNodes ? 5 : 0, limits: .init())
        }
        do throws(RedisURLError) {
            let endpoints = try RedisEndpoint.list(parsing: redis)
            return RedisServers(stock: endpoints[0], lockNodes: Array(endpoints.dropFirst()))
        } catch {
            throw StartFailure(.usage, "--redis: \(error)")
        }
    }

    private static func run(
        _ strategy: some LockStrategy, _ ledger: some ServedLedger, _ redis: RedisClient,
        _ settings: ServiceSettings, isDryRun: Bool, _ logger: Logger
    ) async throws(InventoryError) -> ReconcileReport {
        let service = ServiceAssembly(
            strategy: strategy, store: ledger,
            stock: StockStore(redis, layout: settings.strategy.traits.stockLayout), settings: settings,
            gate: SalesGate { redis.serverGeneration }, logger: logger)
        let reconciler = service.reconciler(
            servers: { () async throws(RedisError) in try await redis.meetServers() })
        return try await reconciler.run(isDryRun: isDryRun)
    }
}

extension ReconcileReport {
    /// For a person: a line for each product with findings, and a sum.
    var text: String {
        var lines = entries.map { entry in
            var parts = [
                "product \(entry.product): supplied \(entry.supplied), sold \(entry.sold), stock "
                    + (entry.stock.map(String.init) ?? "unknown") + ", reserved \(entry.openUnits)"
            ]
            if entry.cleared > 0 { parts.append("\(entry.cleared) reservations of finished purchases") }
            if entry.returned > 0 { parts.append("\(entry.returned) reservations that nobody will finish") }
            if entry.drift != 0 { parts.append("drift of \(entry.drift) units") }
            if let filled = entry.filled { parts.append("stock \(filled)") }
            if entry.dropped { parts.append("deleted, and its stock still there") }
            return (parts + entry.problems).joined(separator: "; ")
        }
        if distrusted {
            lines.append(
                "Redis is another server, or another run of it, than the ledger knows: "
                    + (isDryRun
                        ? "a server fills every stock anew at its start" : "every stock was filled anew"))
        }
        let sum = entries.isEmpty ? "ledger and Redis agree" : "findings on \(entries.count)"
        let end = entries.isEmpty || !isDryRun ? "" : "; nothing was changed, --fix puts it right"
        lines.append("\(products) products, \(sum)\(end)")
        return lines.joined(separator: "\n") + "\n"
    }
}
