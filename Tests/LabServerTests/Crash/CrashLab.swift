import Foundation
import GRDB
import InventoryService
import LabProcesses
import LabTesting
import LockStrategies
import PostgresClient
import RedisClient
import Synchronization
import Testing

/// The built program on a Redis and a database of its own, both of which may be killed and started again at
/// the same places; and an audit from the outside when all is quiet.
final class CrashLab: Sendable {
    let redis: RedisServerProcess
    /// The file of the ledger, where it has one.
    let database: String
    /// Holds the ledger in place of the file.
    let postgres: PostgresServerProcess?
    let port: Int
    let strategy: StrategyEntry
    private let directory: TemporaryDirectory
    private let child = Mutex<ChildProcess?>(nil)

    var client: ApiClient { ApiClient(port: port) }

    private init(
        redis: RedisServerProcess, directory: TemporaryDirectory, database: String, strategy: StrategyEntry,
        postgres: PostgresServerProcess? = nil
    ) throws {
        self.postgres = postgres
        self.redis = redis
        self.directory = directory
        self.strategy = strategy
        self.database = database
        port = try FreePort.pick()
    }

    /// The same program on another database or another Redis; who asks for it ends it.
    func moved(database: String, redis: RedisServerProcess) throws -> CrashLab {
        try CrashLab(redis: redis, directory: directory, database: database, strategy: strategy)
    }

    /// The path of `name` in a directory that goes with the lab.
    func file(_ name: String) -> String { directory.file(name) }

    static func run(
        _ strategy: StrategyEntry = .luaAtomic, persistence: RedisServerOptions.Persistence = .aofAlways,
        onPostgres: Bool = false, _ body: (CrashLab) async throws -> Void
    ) async throws {
        let postgres = onPostgres ? try await PostgresServerProcess.start() : nil
        do {
            try await run(strategy, persistence, postgres, body)
            await postgres?.discard()
        } catch {
            await postgres?.discard()
            throw error
        }
    }

    private static func run(
        _ strategy: StrategyEntry, _ persistence: RedisServerOptions.Persistence,
        _ postgres: PostgresServerProcess?, _ body: (CrashLab) async throws -> Void
    ) async throws {
        let redis = try await RedisServerProcess.start(
            RedisServerOptions(listener: .unixSocket, persistence: persistence))
        let directory = try TemporaryDirectory(prefix: "lab-crash")
        let lab = try CrashLab(
            redis: redis, directory: directory, database: directory.file("ledger.sqlite"), strategy: strategy,
            postgres: postgres)
        let result: Result<Void, any Error>
        do {
            try await body(lab)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await lab.killServer()
        await redis.stop()
        directory.remove()
        try result.get()
    }

    /// As the program takes it.
    var ledger: String { postgres?.url() ?? "sqlite:" + database }

    /// Starts the program; it is ready to serve, or it died at its crash point (false).
    ///
    /// - Parameter crashAt: As `LAB_CRASH_AT`.
    @discardableResult
    func startServer(crashAt: String? = nil) async throws -> Bool {
        var environment = ProcessInfo.processInfo.environment
        environment["LAB_CRASH_AT"] = crashAt
        environment["LAB_JWT_SECRET"] = "b52f0d9ce8a14737a6f1c2d85e90b3746a1f"
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "--dev", "--bcrypt-cost", "4", "--redis", redis.url, "--port", "\(port)", "--database",
                ledger, "--strategy", strategy.name, "--reconcile-interval-s", "1",
                "--log-level", "error",
            ], environment: environment)
        self.child.withLock { $0 = child }
        let line = await child.line(within: .seconds(60)) { $0.contains("listening on http://") }
        guard line != nil else {
            #expect(await child.waitUntilExit() == .signalled(SIGKILL), "\(child.lines())")
            return false
        }
        return true
    }

    func killServer() async {
        guard let child = child.withLock({ $0 }) else { return }
        await child.killNow()
    }

    /// Waits until the program has died at its crash point.
    func died() async -> Bool {
        guard let child = child.withLock({ $0 }) else { return false }
        return await child.waitUntilExit(within: .seconds(60)) == .signalled(SIGKILL)
    }

    func stopServer() async throws {
        let child = try #require(child.withLock { $0 })
        #expect(await child.terminate(grace: .seconds(30)) == .exited(0))
    }

    /// Makes an administrator in the files of a server that is not running, by `lab-server admin create`.
    func makeAdministrator(_ name: String) async throws {
        let password = directory.file("password")
        try "lab-test-12".write(toFile: password, atomically: true, encoding: .utf8)
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "admin", "create", "--database", "sqlite:" + database, "--username", name,
                "--password-file", password, "--bcrypt-cost", "4",
            ])
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
    }

    /// Runs `lab-server reconcile` on the files of the stopped server.
    func reconcile(fix: Bool) async throws -> (status: LabProcesses.ExitStatus, output: String) {
        try await command(
            [
                "reconcile", "--redis", redis.url, "--database", ledger, "--strategy", strategy.name,
            ] + (fix ? ["--fix"] : []))
    }

    /// Runs a command of the program to its end.
    ///
    /// - Parameter crashAt: As `LAB_CRASH_AT`.
    func command(
        _ arguments: [String], crashAt: String? = nil
    ) async throws -> (status: LabProcesses.ExitStatus, output: String) {
        var environment = ProcessInfo.processInfo.environment
        environment["LAB_CRASH_AT"] = crashAt
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"), arguments, environment: environment)
        let status = await child.waitUntilExit()
        return (status, child.lines().joined(separator: "\n"))
    }

    struct Row: Sendable, Hashable {
        let id: Int64
        let key: String?
        let quantity: Int
    }

    /// What the files say, read by SQL and Redis commands of our own, beside the product's code.
    struct Evidence: Sendable {
        var supplied = 0
        var sold = 0
        var stock = 0
        var openUnits = 0
        var rows: [Row] = []

        /// Every unit is in exactly one place.
        var isConserved: Bool {
            supplied == stock + openUnits + sold && stock >= 0 && sold == rows.reduce(0) { $0 + $1.quantity }
        }
    }

    func evidence(_ product: Int) async throws -> Evidence {
        var evidence = try await books(product)
        let client = RedisClient(redis.endpoint, limits: .patient)
        evidence.stock = Int(
            try await client.send(RedisCommand("GET", "stock:{\(product)}")).integer ?? -1)
        let records = try await client.send(RedisCommand("HVALS", "reservations:{\(product)}")).array ?? []
        evidence.openUnits = records.compactMap { $0.string }.filter { $0 != "ended:" }
            .compactMap { $0.split(separator: ":").first.flatMap { Int($0) } }.reduce(0, +)
        await client.close()
        return evidence
    }

    /// What the ledger says.
    private func books(_ product: Int) async throws -> Evidence {
        if let postgres { return try await Self.books(product, on: postgres) }
        let queue = try DatabaseQueue(path: database)
        let evidence = try await queue.read { database in
            var evidence = Evidence()
            let row = try #require(
                try GRDB.Row.fetchOne(
                    database, sql: "SELECT supplied, sold FROM products WHERE id = ?", arguments: [product]))
            evidence.supplied = row["supplied"]
            evidence.sold = row["sold"]
            evidence.rows = try GRDB.Row.fetchAll(
                database,
                sql: "SELECT id, idempotency_key, quantity FROM purchases WHERE product_id = ?",
                arguments: [product]
            ).map { Row(id: $0["id"], key: $0["idempotency_key"], quantity: $0["quantity"]) }
            return evidence
        }
        try queue.close()
        return evidence
    }

    private static func books(
        _ product: Int, on postgres: PostgresServerProcess
    ) async throws -> Evidence {
        let pool = PostgresPool(try PostgresEndpoint(parsing: postgres.url()), .init(connections: 1))
        defer { pool.close() }
        let results = try await pool.run(
            PostgresStatement(nil, "SELECT supplied, sold FROM products WHERE id = $1::bigint")
                .with(.integer(Int64(product))),
            PostgresStatement(
                nil, "SELECT id, idempotency_key, quantity FROM purchases WHERE product_id = $1::bigint"
            ).with(.integer(Int64(product))))
        let sums = try #require(results[0].rows.first)
        var evidence = Evidence()
        evidence.supplied = try sums.int(0)
        evidence.sold = try sums.int(1)
        evidence.rows = try results[1].rows.map {
            Row(id: try $0.number(0), key: try $0.optional(1), quantity: try $0.int(2))
        }
        return evidence
    }
}
