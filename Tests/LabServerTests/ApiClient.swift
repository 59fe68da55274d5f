import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InventoryService
import LabProcesses
import LockStrategies
import Logging
import NIOPosix
import RedisClient

@testable import lab_server

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
        _ = try await send(.post, "/api/auth/register", #"{"username":"\#(name)","password":"secret12"}"#)
        let answer = try await send(
            .post, "/api/auth/login", #"{"username":"\#(name)","password":"secret12"}"#)
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

/// The production server on real Redis servers and a real SQLite file, in this process.
struct Lab {
    let client: ApiClient
    let redis: RedisServerProcess
    let stock: RedisClient
    let ledger: SQLiteLedger
}

func withLab(_ id: StrategyID = .luaAtomic, _ body: @Sendable (Lab) async throws -> Void) async throws {
    let directory = try TemporaryDirectory(prefix: "lab-server")
    var servers: [RedisServerProcess] = []
    for _ in 0..<(id.needsLockNodes ? 6 : 1) {
        servers.append(try await RedisServerProcess.start(RedisServerOptions(listener: .unixSocket)))
    }
    let clients = servers.map { RedisClient($0.endpoint) }
    let ledger = try await SQLiteLedger.open(path: directory.file("ledger.sqlite"))
    let hasher = PasswordHasher(cost: 4)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let catalogue = StrategyCatalogue(
        stock: clients[0],
        lockNodes: clients.dropFirst().map { LockNode(name: $0.endpoint.description, redis: $0) },
        clock: ContinuousClock())
    let parts = LabParts(
        store: ledger, stock: StockStore(clients[0], layout: id.traits.stockLayout), hasher: hasher,
        tokens: try AccessTokens(.init(secret: Secret("a secret of more than thirty-two bytes"))),
        settings: LabSettings(strategy: id, patience: .seconds(20)), logger: logger)
    let router = buildRouter(strategy: try catalogue.strategy(id), parts: parts)
    let application = buildApplication(router, address: .hostname("127.0.0.1", port: 0), logger: logger)
    let (server, stock) = (servers[0], clients[0])
    var failure: (any Error)?
    do {
        try await application.test(.live) { client in
            try await body(
                Lab(client: ApiClient(port: client.port ?? 0), redis: server, stock: stock, ledger: ledger))
        }
    } catch {
        failure = error
    }
    await ledger.close()
    await hasher.shutDown()
    for client in clients { await client.close() }
    for server in servers { await server.stop() }
    directory.remove()
    if let failure { throw failure }
}
