import HTTPTypes
import InventoryService
import LabProcesses
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

@Suite struct ApiTests {
    @Test("The wish list's flow: register, log in, create a product, buy it, find it among my purchases")
    func wholeWay() async throws {
        try await withLab { lab async throws in
            let registered = try await lab.client.send(
                .post, "/api/auth/register",
                #"{"username":"ann","password":"lab-test-12","email":"ann@example.org"}"#)
            #expect(registered.status == 201)
            #expect(registered.body["username"] as? String == "ann")
            #expect(registered.text.contains("password") == false)
            let client = try await lab.client.signedIn()
            let me = try await client.send(.get, "/api/auth/me")
            #expect(me.status == 200)
            #expect(me.body["email"] as? String == "ann@example.org")

            let made = try await client.send(
                .post, "/api/products",
                #"{"name":"콜라 \"zero\"","price":1500,"initial_stock":3,"description":"a\nb"}"#)
            #expect(made.status == 201)
            #expect(made.body["name"] as? String == "콜라 \"zero\"")
            #expect(made.body["current_stock"] as? Int == 3)
            let id = try #require(made.body["id"] as? Int)
            #expect(made.headers[.location] == "/api/products/\(id)")

            let bought = try await client.buy(id, 2)
            #expect(bought.status == 200)
            #expect(bought.body["total_price"] as? Int == 3000)
            #expect(bought.headers[.labStrategy] == "lua-atomic")
            #expect(bought.headers[.serverTiming]?.contains("attempts;desc=\"1\"") == true)
            #expect(try await client.stock(id) == 1)
            let one = try await client.send(.get, "/api/products/\(id)")
            #expect(one.body["current_stock"] as? Int == 1)
            #expect(one.body["description"] as? String == "a\nb")

            let mine = try await client.send(.get, "/api/purchases/me")
            #expect(mine.headers[.totalCount] == "1")
            #expect(mine.list.first?["id"] as? Int == bought.body["id"] as? Int)
        }
    }

    @Test("Lists come in pages with the total in a header")
    func pages() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            for _ in 0..<3 { _ = try await client.product(units: 1) }
            let page = try await client.send(.get, "/api/products?skip=1&limit=1")
            #expect(page.status == 200)
            #expect(page.headers[.totalCount] == "3")
            #expect(page.list.map { $0["id"] as? Int } == [2])
            for query in ["skip=-1", "limit=0", "limit=101", "limit=ten", "skip=99999999999999999999"] {
                #expect(try await client.send(.get, "/api/products?\(query)").status == 422)
                #expect(try await client.send(.get, "/api/purchases/me?\(query)").status == 422)
            }
        }
    }

    @Test("A taken name is 409, and a wrong password answers as an unknown user does")
    func authRefusals() async throws {
        try await withLab { lab async throws in
            _ = try await lab.client.signedIn()
            let taken = try await lab.client.send(
                .post, "/api/auth/register", #"{"username":"ann","password":"lab-test-12"}"#)
            #expect(taken.status == 409)
            let named: HTTPFields = [.requestID: "same"]
            let wrong = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"ann","password":"lab-test-13"}"#, headers: named)
            let unknown = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"bea","password":"lab-test-12"}"#, headers: named)
            #expect(wrong.status == 401)
            #expect(unknown.status == 401)
            #expect(wrong.text == unknown.text)
            #expect(wrong.headers[.wwwAuthenticate] == unknown.headers[.wwwAuthenticate])
        }
    }

    @Test("Sold out is 400, an unknown product 404, a missing stock 503, each with what it cost")
    func refusals() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            let soldOut = try await client.buy(product, 2)
            #expect(soldOut.status == 400)
            #expect(soldOut.body["type"] as? String == "/problems/sold-out")
            let unknown = try await client.buy(99)
            #expect(unknown.status == 404)
            _ = try await lab.stock.send(RedisCommand("DEL", ProductKeys(ProductID(Int64(product))).stock))
            let missing = try await client.buy(product)
            #expect(missing.status == 503)
            for answer in [soldOut, unknown, missing] {
                #expect(answer.headers[.serverTiming] != nil)
                #expect(answer.headers[.labStrategy] == "lua-atomic")
                #expect(answer.body["detail"] is String)
            }
            #expect(try await client.send(.get, "/api/products/99").status == 404)
            #expect(try await client.send(.get, "/api/products/abc").status == 404)
            #expect(try await client.send(.get, "/api/products/99/stock").status == 404)
        }
    }

    @Test("When Redis is away, buying is 503 and so is readiness; the process still lives")
    func withoutRedis() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            #expect(try await client.send(.get, "/health/ready").status == 200)
            await lab.redis.kill()
            #expect(try await client.buy(product).status == 503)
            let ready = try await client.send(.get, "/health/ready")
            #expect(ready.status == 503)
            #expect(ready.body["out_of_reach"] as? [String] == ["redis"])
            #expect(try await client.send(.get, "/health/live").status == 200)
        }
    }

    @Test("When the ledger is closed, buying is 503 and the units are still in stock")
    func withoutLedger() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            await lab.ledger.close()
            #expect(try await client.buy(product).status == 503)
            let key = ProductKeys(ProductID(Int64(product))).stock
            #expect(try await lab.stock.send(RedisCommand("GET", key)).integer == 5)
        }
    }

    @Test("An unknown address is 404, a wrong method 405 with Allow, a body that is too long 413")
    func framework() async throws {
        try await withLab { lab async throws in
            let nowhere = try await lab.client.send(.get, "/nowhere")
            #expect(nowhere.status == 404)
            #expect(nowhere.headers[.contentType] == "application/problem+json")
            let method = try await lab.client.send(.delete, "/api/purchases")
            #expect(method.status == 405)
            #expect(method.headers[.allow] == "POST")
            let long = try await lab.client.send(
                .post, "/api/auth/login", String(repeating: " ", count: LabRequestContext.bodyBytes + 1))
            #expect(long.status == 413)
            #expect(long.headers[.contentType] == "application/problem+json")
        }
    }

    @Test(
        "Reconciling says of each product what ledger and Redis held; a dry run says it and changes nothing")
    func reconciling() async throws {
        try await withLab { lab async throws in
            let admin = try await lab.administrator()
            let product = try await admin.product(units: 10)
            _ = try await admin.buy(product, 3)
            let key = ProductKeys(ProductID(Int64(product))).stock
            _ = try await lab.stock.send(RedisCommand("SET", key, "5"))
            func reconcile(_ query: String = "") async throws -> [String: Any] {
                let answer = try await admin.send(.post, "/api/admin/reconcile" + query)
                #expect(answer.status == 200)
                return answer.body
            }
            for _ in 0..<2 {
                let found = try await reconcile("?dry_run=true")
                #expect(found["dry_run"] as? Bool == true)
                let entry = try #require((found["entries"] as? [[String: Any]])?.first)
                #expect(entry["product_id"] as? Int == product)
                #expect(entry["supplied"] as? Int == 10 && entry["sold"] as? Int == 3)
                #expect(entry["stock"] as? Int == 5 && entry["reserved"] as? Int == 0)
                #expect(entry["drift"] as? Int == 2)
                #expect(try await admin.stock(product) == 5)
            }
            #expect(try await reconcile()["dry_run"] as? Bool == false)
            #expect(try await admin.stock(product) == 7)
            #expect((try await reconcile()["entries"] as? [Any])?.isEmpty == true)
        }
    }
}
