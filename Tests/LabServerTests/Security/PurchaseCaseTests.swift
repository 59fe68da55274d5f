import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// What buyers may try, through the whole server.
@Suite("Purchases under attack", .sharedLab)
struct PurchaseCaseTests {
    private let lab: Lab

    init() throws { lab = try SharedLab.lab }

    /// Answers by their status, of so many purchases at once.
    private static func buy(_ buyers: [ApiClient], _ product: Int, headers: HTTPFields = [:]) async throws
        -> [Sold]
    {
        try await withThrowingTaskGroup(of: Sold.self) { group in
            for buyer in buyers {
                group.addTask {
                    let answer = try await buyer.buy(product, headers: headers)
                    return Sold(
                        status: answer.status, type: answer.body["type"] as? String,
                        id: answer.body["id"] as? Int)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    // No tuple: docs/decisions/0005.
    private struct Sold: Sendable, Hashable {
        let status: Int
        let type: String?
        let id: Int?
    }

    @Test("S30 · the price is the server's, at the moment of the purchase")
    func price() async throws {
        let admin = try await lab.administrator("price-setter")
        let product = try await admin.product(units: 10, price: 100)
        #expect(try await admin.buy(product, 3).body["total_price"] as? Int == 300)
        let change = try await admin.send(.patch, "/api/admin/products/\(product)", #"{"price":70}"#)
        #expect(change.status == 200)
        #expect(try await admin.buy(product, 3).body["total_price"] as? Int == 210)
        let body = #"{"product_id":\#(product),"quantity":1,"total_price":1}"#
        #expect(try await admin.send(.post, "/api/purchases", body).status == 422)
    }

    @Test(
        "S30 · an order that is malformed or out of range is 422, names the field and buys nothing",
        arguments: [
            ("", "body"), ("[]", "body"), ("{", "body"), ("{}", "product_id"),
            (#"{"product_id":1}"#, "quantity"),
            (#"{"product_id":1,"quantity":0}"#, "quantity"), (#"{"product_id":1,"quantity":-1}"#, "quantity"),
            (#"{"product_id":1,"quantity":1.0}"#, "quantity"),
            (#"{"product_id":1,"quantity":1e3}"#, "quantity"),
            (#"{"product_id":1,"quantity":"1"}"#, "quantity"),
            (#"{"product_id":1,"quantity":null}"#, "quantity"),
            (#"{"product_id":1,"quantity":true}"#, "quantity"),
            (#"{"product_id":1,"quantity":9223372036854775807}"#, "quantity"),
            (#"{"product_id":1,"quantity":9223372036854775808}"#, "quantity"),
            (#"{"product_id":0,"quantity":1}"#, "product_id"),
            (#"{"product_id":1,"quantity":1,"price":0}"#, "price"),
            (#"{"product_id":1,"quantity":1,"quantity":2}"#, "quantity"),
            (#"{"product_id":[1],"quantity":1}"#, "product_id"),
        ])
    func badOrders(body: String, field: String) async throws {
        let client = try await lab.client.signedIn("misfit")
        let answer = try await client.send(.post, "/api/purchases", body)
        #expect(answer.status == 422)
        #expect(answer.body["field"] as? String == field)
        #expect(answer.headers[.contentType] == "application/problem+json")
        #expect(answer.headers[.labStrategy] == "lua-atomic")
        #expect(try await client.send(.get, "/api/purchases/me").headers[.totalCount] == "0")
    }

    @Test(
        "S31 · S units and 10 S buyers at once, one user and many, give exactly S sales; the others are sold out",
        arguments: StrategyRegistry.builtIn.entries.filter {
            !$0.isNegativeControl && (!$0.needsPostgres || PostgresDatabases.canBeMade)
        })
    func exactSales(id: StrategyEntry) async throws {
        try await withLab(id) { lab async throws in
            let ann = try await lab.client.signedIn()
            var buyers = Array(repeating: ann, count: 15)
            for number in 0..<5 {
                let other = try await lab.client.signedIn("other-\(number)")
                buyers += [other, other, other]
            }
            let product = try await ann.product(units: 3)
            let answers = try await Self.buy(buyers, product)
            #expect(answers.count { $0.status == 200 } == 3)
            #expect(answers.count { $0.status == 400 && $0.type == "/problems/sold-out" } == 27)
            #expect(Set(answers.compactMap(\.id)).count == 3)
            #expect(try await ann.stock(product) == 0)
            let rows = try await lab.ledger.purchases(matching: PurchaseFilter(), Page())
            #expect(rows.total == 3)
            let open = ProductKeys(ProductID(Int64(product))).reservations
            // Behind the answers.
            try await waitUntil { try await lab.stock.send(RedisCommand("HLEN", open)).integer == 0 }
        }
    }

    @Test("S31 · ten times as many buyers as units, two hundred at once: not one unit more or less is sold")
    func crowd() async throws {
        let ann = try await lab.client.signedIn("crowd-ann")
        let bea = try await lab.client.signedIn("crowd-bea")
        let product = try await ann.product(units: 20)
        let answers = try await Self.buy((0..<200).map { $0.isMultiple(of: 2) ? ann : bea }, product)
        #expect(answers.count { $0.status == 200 } == 20)
        #expect(answers.count { $0.status == 400 } == 180)
        #expect(try await ann.stock(product) == 0)
    }

    @Test(
        "S32 · one key fifty times at once is one purchase and one answer; another body is 422; another user's is another"
    )
    func oneKey() async throws {
        let ann = try await lab.client.signedIn("key-ann")
        let bea = try await lab.client.signedIn("key-bea")
        let product = try await ann.product(units: 60)
        let key: HTTPFields = [.idempotencyKey: "order-4711"]
        let answers = try await Self.buy(Array(repeating: ann, count: 50), product, headers: key)
        #expect(Set(answers).count == 1)
        #expect(answers[0].status == 200)
        #expect(try await ann.stock(product) == 59)
        let first = try await ann.buy(product, headers: key)
        #expect(first.body["id"] as? Int == answers[0].id)
        let other = try await ann.buy(product, 2, headers: key)
        #expect(other.status == 422)
        #expect(other.body["type"] as? String == "/problems/idempotency-mismatch")
        let hers = try await bea.buy(product, 2, headers: key)
        #expect(hers.status == 200)
        #expect(hers.body["id"] as? Int != answers[0].id)
        #expect(try await ann.stock(product) == 57)
        #expect(try await ann.send(.get, "/api/purchases/me").headers[.totalCount] == "1")
    }

    @Test(
        "S32 · a key that is empty, too long, or holds what no header should is refused, and nothing is bought"
    )
    func badKeys() async throws {
        let client = try await lab.client.signedIn("bad-key")
        let product = try await client.product(units: 5)
        let token = try #require(client.token)
        let body = #"{"product_id":\#(product),"quantity":1}"#
        for (key, status) in [
            ("", 422), (String(repeating: "k", count: 256), 422), ("a b", 422), ("a\tb", 422), ("é", 422),
            ("a\u{1}b", 400), ("a\u{7F}b", 400), ("a\0b", 400),
        ] {
            let answer = try await RawClient.exchange(
                lab.client.port,
                [
                    "POST /api/purchases HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \(token)\r\n"
                        + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                        + "Idempotency-Key: \(key)\r\n\r\n\(body)"
                ])
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(key.debugDescription) \(answer.prefix(60))")
            if status == 422 { #expect(answer.contains(#""field":"Idempotency-Key""#)) }
        }
        #expect(try await client.stock(product) == 5)
        let longest: HTTPFields = [.idempotencyKey: String(repeating: "k", count: 255)]
        #expect(try await client.buy(product, headers: longest).status == 200)
    }

    @Test("S33 · fifty calls of one user at once buy what one user may, and a restart does not forget it")
    func userLimit() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-limit")
        let path = directory.file("l.sqlite")
        let arguments = ["--per-user-limit", "3"]
        try await RunningServer.run(database: path, units: 100, arguments: arguments) { server async throws in
            let other = try await ApiClient(port: server.buyer.port).signedIn("other")
            let answers = try await Self.buy(Array(repeating: server.buyer, count: 50), server.product)
            #expect(answers.count { $0.status == 200 } == 3)
            #expect(answers.count { $0.status == 422 && $0.type == "/problems/user-limit" } == 47)
            #expect(try await server.buyer.stock(server.product) == 97)
            #expect(try await other.buy(server.product, 3).status == 200)
            let tooMany = try await other.buy(server.product, 1)
            #expect(tooMany.body["field"] as? String == "quantity")
            // Of a product, not of all.
            let another = try await other.product(units: 3)
            #expect(try await other.buy(another, 4).status == 422)
            #expect(try await other.buy(another, 3).status == 200)
        }
        try await RunningServer.run(database: path, units: 100, arguments: arguments) { server async throws in
            let first = 1
            #expect(try await server.buyer.stock(first) == 94)
            #expect(try await server.buyer.buy(first).status == 422)
            #expect(try await server.buyer.buy(server.product, 3).status == 200)
            #expect(try await server.buyer.stock(first) == 94)
        }
        directory.remove()
    }
}
