import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import LocksPostgres
import Logging
import NIOPosix
import RedisClient
import ServiceLifecycle

@testable import LabServerKit

/// A client of one running server, with a connection of its own for each request.
struct ApiClient: Sendable {
    let port: Int
    var token: String?

    struct Answer {
        let status: Int
        let headers: HTTPFields
        let body: [String: Any]
        let list: [[String: Any]]
        let text: String
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if let token, headers[.authorization] == nil { headers[.authorization] = "Bearer \(token)" }
        if headers[.host] == nil { headers[.host] = "127.0.0.1:\(port)" }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let all = headers
        return try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
            let response = try await client.execute(
                .init(path, method: method, headers: all, body: body.map { ByteBuffer(string: $0) }))
            let text = response.body.map { String(buffer: $0) } ?? ""
            let json = try? JSONSerialization.jsonObject(with: Data(text.utf8))
            return Answer(
                status: response.status.code, headers: response.headers, body: json as? [String: Any] ?? [:],
                list: json as? [[String: Any]] ?? [], text: text)
        }
    }

    /// Registers a user and signs in.
    func signedIn(_ name: String = "ann") async throws -> ApiClient {
        _ = try await send(.post, "/api/auth/register", #"{"username":"\#(name)","password":"lab-test-12"}"#)
        return try await logIn(name)
    }

    func logIn(_ name: String) async throws -> ApiClient {
        let answer = try await send(
            .post, "/api/auth/login", #"{"username":"\#(name)","password":"lab-test-12"}"#)
        var client = self
        client.token = answer.body["access_token"] as? String
        return client
    }

    func product(units: Int, price: Int = 100) async throws -> Int {
        let answer = try await send(
            .post, "/api/products", #"{"name":"thing","price":\#(price),"initial_stock":\#(units)}"#)
        return answer.body["id"] as? Int ?? -1
    }

    func buy(_ product: Int, _ quantity: Int = 1, headers: HTTPFields = [:]) async throws -> Answer {
        try await send(
            .post, "/api/purchases", #"{"product_id":\#(product),"quantity":\#(quantity)}"#, headers: headers)
    }

    func stock(_ product: Int) async throws -> Int? {
        try await send(.get, "/api/products/\(product)/stock").body["quantity"] as? Int
    }
}

/// As `Server` puts it together.
private func build(
    _ strategy: some LockStrategy, _ parts: ServerParts<SQLiteLedger>,
    _ redis: RedisClient
) throws -> ServerRoutes {
    let reconciler = parts.reconciler(by: strategy, redis: redis)
    return parts.routes(by: strategy, reconcile: { try await reconciler.run(isDryRun: $0) })
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// The production server on real Redis servers and a real SQLite file, in this process.
struct Lab {
    let client: ApiClient
    let redis: RedisServerProcess
    let stock: RedisClient
    let ledger: SQLiteLedger
    let databasePath: String
    let metrics: ServerMetrics
    let gauges: @Sendable () async -> [Gauge]
    /// Method and path, as the document names them.
    let routes: [String]
    let hasher: PasswordHasher

    /// Of the tokens.
    static let secret = Secret("a secret of more than thirty-two bytes")

    /// The page for Prometheus as it is now.
    func page() async -> String { metrics.text(gauges: await gauges()) }

    /// An administrator, made as `lab-server admin create` makes one.
    func administrator(_ name: String = "root-of-tests") async throws -> ApiClient {
        let hasher = PasswordHasher(cost: 4)
        _ = try await Administrators(store: ledger, hasher: hasher).make(
            username: name, password: "lab-test-12", email: nil)
        await hasher.shutDown()
        return try await client.logIn(name)
    }
}

extension ServerRoutes {
    /// Method and path as the document has them: each GET has a HEAD beside it, which is left out.
    fileprivate var documented: [String] {
        router.routes.filter { $0.method != .head }.map { route in
            let path = route.path.description.replacing(":id", with: "{id}")
            return "\(route.method.rawValue.lowercased()) \(path)"
        }
    }
}

private func redisServers(_ count: Int) async throws -> [RedisServerProcess] {
    var servers: [RedisServerProcess] = []
    for _ in 0..<count {
        servers.append(try await RedisServerProcess.start(RedisServerOptions(listener: .unixSocket)))
    }
    return servers
}

/// - Parameter hook: Called with the name of each command or script of the strategy, before it is sent.
func withLab(
    _ id: StrategyEntry = .luaAtomic, limits: AuthLimiter.Settings = .off,
    front: FrontSettings = FrontSettings(), perUserLimit: Int? = nil, draining: DrainFlag = DrainFlag(),
    hasher: PasswordHasher = PasswordHasher(cost: 4), logger: Logger = .silent, metricsProducts: Int = 100,
    beforeCommand hook: @escaping @Sendable (_ name: String) async -> Void = { _ in },
    _ body: @Sendable (Lab) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory(prefix: "lab-server")
    let servers = try await redisServers(id.needsLockNodes ? 6 : 1)
    let clients = servers.map { RedisClient($0.endpoint, limits: .patient) }
    let (redisMeter, ledgerMeter) = (RedisMeter(), LedgerMeter())
    let ledger = try await SQLiteLedger.open(
        path: directory.file("ledger.sqlite"), settings: LedgerSettings(patience: .seconds(60)),
        onCommit: { ledgerMeter.committed(in: $0) })
    let settings = ServiceSettings(strategy: id, patience: .seconds(60), perUserLimit: perUserLimit)
    let locks = id.needsPostgres ? PostgresAdvisoryLocks(try await PostgresDatabases.make()) : nil
    let strategy = try settings.strategy(
        on: HookedPort(MeteredRedis(clients[0], as: .stock, redisMeter), before: hook),
        lockNodes: clients.dropFirst().map {
            LockNode(
                name: $0.endpoint.description,
                redis: HookedPort(MeteredRedis($0, as: .lockNode, redisMeter), before: hook))
        }, advisoryLocks: locks)
    let units = StockStore(
        MeteredRedis(clients[0], as: .stock, redisMeter), layout: id.traits.stockLayout)
    let gate = SalesGate.open
    let clearing = ClearingQueue(units, gate: gate, logger: logger)
    let parts = ServerParts(
        store: ledger, stock: units, hasher: hasher, tokens: try AccessTokens(.init(secret: Lab.secret)),
        settings: settings, logger: logger, limiter: AuthLimiter(limits), front: front, draining: draining,
        gate: gate, clearing: clearing, redisMeter: redisMeter, ledgerMeter: ledgerMeter,
        metricsProducts: metricsProducts)
    let built = try build(strategy, parts, clients[0])
    let (metrics, routes, readiness) = (built.metrics, built.documented, built.readiness)
    let (server, stock) = (servers[0], clients[0])
    var failure: (any Error)?
    do {
        try await whileServing(built, front, logger) { port in
            try await body(
                Lab(
                    client: ApiClient(port: port), redis: server, stock: stock, ledger: ledger,
                    databasePath: directory.file("ledger.sqlite"), metrics: metrics,
                    gauges: { await parts.gauges(readiness: readiness) }, routes: routes, hasher: hasher
                ))
        }
    } catch {
        failure = error
    }
    await clearing.finish()
    await ledger.close()
    await hasher.shutDown()
    locks?.close()
    for client in clients { await client.close() }
    for server in servers { await server.stop() }
    directory.remove()
    if let failure { throw failure }
}

/// Serves the routes at a free port as long as the work takes.
private func whileServing(
    _ routes: ServerRoutes, _ front: FrontSettings, _ logger: Logger,
    _ work: (_ port: Int) async throws -> Void
) async throws {
    let (ports, port) = AsyncStream<Int>.makeStream()
    let api = try routes.service(at: .hostname("127.0.0.1", port: 0), front: front, logger: logger) {
        port.yield($0.localAddress?.port ?? 0)
    }
    let group = ServiceGroup(services: [api], logger: logger)
    let serving = Task {
        defer { port.finish() }
        try await group.run()
    }
    do {
        for await port in ports.prefix(1) { try await work(port) }
    } catch {
        await group.triggerGracefulShutdown()
        try await serving.value
        throw error
    }
    await group.triggerGracefulShutdown()
    try await serving.value
}
