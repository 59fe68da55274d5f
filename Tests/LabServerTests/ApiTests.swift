import HTTPTypes
import InventoryService
import LabProcesses
import LockStrategies
import RedisClient
import Testing

@testable import lab_server

@Suite struct ApiTests {
    @Test("A user registers, signs in, makes a product, buys it and finds the purchase")
    func wholeWay() async throws {
        try await withLab { lab async throws in
            let registered = try await lab.client.send(
                .post, "/api/auth/register",
                #"{"username":"ann","password":"secret12","email":"ann@example.org"}"#)
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
                .post, "/api/auth/register", #"{"username":"ann","password":"secret12"}"#)
            #expect(taken.status == 409)
            let wrong = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"ann","password":"secret13"}"#)
            let unknown = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"bea","password":"secret12"}"#)
            #expect(wrong.status == 401)
            #expect(unknown.status == 401)
            #expect(wrong.text == unknown.text)
            #expect(wrong.headers[.wwwAuthenticate] == unknown.headers[.wwwAuthenticate])
        }
    }

    @Test("Without a valid token every route that needs one is 401 with WWW-Authenticate")
    func unauthorized() async throws {
        try await withLab { lab async throws in
            let open: Set = ["/api/auth/register", "/api/auth/login", "/health/live", "/health/ready"]
            for (path, methods) in MethodGuard.routes where !open.contains(path) {
                for method in methods {
                    let place = path.replacing(":id", with: "1")
                    let none = try await lab.client.send(method, place)
                    #expect(none.status == 401, "\(method) \(path)")
                    #expect(none.headers[.wwwAuthenticate] == "Bearer")
                    for header in ["Bearer a.b.c", "Bearer ", "Basic YTpi", "x"] {
                        let bad = try await lab.client.send(method, place, headers: [.authorization: header])
                        #expect(bad.status == 401)
                        #expect(bad.headers[.wwwAuthenticate] == #"Bearer error="invalid_token""#)
                    }
                }
            }
        }
    }

    @Test(
        "A body that is malformed or out of range is 422 and names the field",
        arguments: [
            ("", "body"), ("[]", "body"), ("{", "body"), ("{}", "product_id"),
            (#"{"product_id":1}"#, "quantity"),
            (#"{"product_id":1,"quantity":0}"#, "quantity"), (#"{"product_id":1,"quantity":-1}"#, "quantity"),
            (#"{"product_id":1,"quantity":1.0}"#, "quantity"),
            (#"{"product_id":1,"quantity":1e3}"#, "quantity"),
            (#"{"product_id":1,"quantity":"1"}"#, "quantity"),
            (#"{"product_id":1,"quantity":null}"#, "quantity"),
            (#"{"product_id":1,"quantity":9223372036854775808}"#, "quantity"),
            (#"{"product_id":0,"quantity":1}"#, "product_id"),
            (#"{"product_id":1,"quantity":1,"price":0}"#, "price"),
            (#"{"product_id":1,"quantity":1,"quantity":2}"#, "quantity"),
            (#"{"product_id":[1],"quantity":1}"#, "product_id"),
        ])
    func badBodies(body: String, field: String) async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let answer = try await client.send(.post, "/api/purchases", body)
            #expect(answer.status == 422)
            #expect(answer.body["field"] as? String == field)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.headers[.labStrategy] == "lua-atomic")
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

    @Test("An Idempotency-Key buys once; with another body it is 422")
    func idempotency() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            let key: HTTPFields = [.idempotencyKey: "order-1"]
            let first = try await client.buy(product, 1, headers: key)
            let second = try await client.buy(product, 1, headers: key)
            #expect(first.status == 200)
            #expect(second.status == 200)
            #expect(first.text == second.text)
            #expect(try await client.buy(product, 2, headers: key).status == 422)
            #expect(try await client.stock(product) == 4)
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
        "Ten units and twenty buyers at once give exactly ten sales and ten sold out",
        arguments: StrategyID.allCases.filter { !$0.isNegativeControl })
    func exactSales(id: StrategyID) async throws {
        try await withLab(id) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 10)
            let answers = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        let answer = try await client.buy(product)
                        return (answer.status, answer.body["type"] as? String)
                    }
                }
                return try await group.reduce(into: [(Int, String?)]()) { $0.append($1) }
            }
            #expect(answers.filter { $0.0 == 200 }.count == 10)
            #expect(answers.filter { $0.0 == 400 && $0.1 == "/problems/sold-out" }.count == 10)
            #expect(try await client.stock(product) == 0)
            let mine = try await client.send(.get, "/api/purchases/me?limit=100")
            #expect(mine.headers[.totalCount] == "10")
            let open = ProductKeys(ProductID(Int64(product))).reservations
            #expect(try await lab.stock.send(RedisCommand("HLEN", open)).integer == 0)
        }
    }
}
