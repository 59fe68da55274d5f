import HTTPTypes
import LabTesting
import LockStrategies
import Testing

@testable import LabServerKit

/// What happens before a request reaches a route.
@Suite("Before a route", .sharedLab)
struct FrontTests {
    private let lab: Lab

    init() throws { lab = try SharedLab.lab }

    private func isProblem(_ answer: String, _ status: Int) -> Bool {
        answer.hasPrefix("HTTP/1.1 \(status) ") && answer.contains("application/problem+json")
            && answer.contains("\"status\":\(status)") && answer.contains("\"request_id\":\"")
    }

    /// The server says that it closes; the raw client returns only when it has.
    private func saysClose(_ answer: String) -> Bool {
        answer.lowercased().contains("\r\nconnection: close\r\n")
    }

    @Test("S01 · headers over the limit are 431, as problem+json, and the connection is closed")
    func longHeaders() async throws {
        try await withLab { lab async throws in
            let port = lab.client.port
            let long = "X-Long: " + String(repeating: "a", count: 100_000) + "\r\n"
            let many = (0..<200).map { "X-\($0): 1\r\n" }.joined()
            for headers in [long, many] {
                let answer = try await RawClient.exchange(
                    port, ["GET /health/live HTTP/1.1\r\nHost: x\r\n\(headers)\r\n"])
                #expect(isProblem(answer, 431) && saysClose(answer), "\(answer)")
            }
        }
    }

    @Test(
        "S03 · what is no request is 400, as problem+json, and the connection is closed",
        arguments: [
            "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nX-Nul: a\0b\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ])
    func malformed(request: String) async throws {
        let answer = try await RawClient.exchange(lab.client.port, [request])
        #expect(isProblem(answer, 400) && saysClose(answer), "\(answer)")
    }

    @Test(
        "S04 · a request without a Host, with two, or with none in it is 400",
        arguments: ["", "Host: x\r\nHost: x\r\n", "Host: \r\n", "Host: a,b\r\n", "Host: a/b\r\n"])
    func hosts(headers: String) async throws {
        let answer = try await RawClient.get(lab.client.port, "/health/live", headers: headers)
        #expect(isProblem(answer, 400), "\(answer)")
    }

    @Test("S05 · a wrong method on a known path is 405 with Allow, TRACE too; an unknown path is 404")
    func methods() async throws {
        try await withLab { lab async throws in
            for route in RouteTable.all {
                let path = route.path.replacing("{id}", with: "1")
                let known = RouteTable.methods(at: path)
                for name in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
                    let method = try #require(HTTPRequest.Method(name))
                    guard !known.contains(method) else { continue }
                    let answer = try await lab.client.send(method, path)
                    #expect(answer.status == 405, "\(name) \(path)")
                    #expect(answer.headers[.allow] == known.map(\.rawValue).joined(separator: ", "))
                }
            }
            #expect(Set(RouteTable.methods(at: "/api/products")) == [.get, .head, .post])
            let nowhere = try await lab.client.send(.get, "/api/nothing")
            #expect(nowhere.status == 404)
            #expect(nowhere.headers[.contentType] == "application/problem+json")
        }
    }

    @Test("S06 · Expect: 100-continue gets 100 at once, another expectation 417, a wrong Content-Type 415")
    func expectations() async throws {
        try await withLab { lab async throws in
            let port = lab.client.port
            let body = #"{"username":"ann","password":"x"}"#
            let head =
                "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close"
                + "\r\nContent-Length: \(body.utf8.count)\r\n"
            let answer = try await RawClient.exchange(port, [head + "Expect: 100-continue\r\n\r\n" + body])
            #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 "), "\(answer)")
            #expect(isProblem(try await RawClient.exchange(port, [head + "Expect: coffee\r\n\r\n"]), 417))
            for type in ["text/plain", "application/jsonx", "", "application/x-www-form-urlencoded"] {
                let wrong = try await lab.client.send(
                    .post, "/api/auth/login", body, headers: [.contentType: type])
                #expect(wrong.status == 415)
            }
            for type in ["application/json; charset=utf-8", "Application/JSON"] {
                let right = try await lab.client.send(
                    .post, "/api/auth/login", body, headers: [.contentType: type])
                #expect(right.status == 401)
            }
        }
    }

    @Test("S06 · whoever asks for another type than JSON gets JSON: an answer has one form")
    func otherTypes() async throws {
        for type in ["application/xml", "text/html", "image/*;q=0.1", "nonsense", ""] {
            let live = try await lab.client.send(.get, "/health/live", headers: [.accept: type])
            #expect(live.status == 200 && live.headers[.contentType]?.hasPrefix("application/json") == true)
            let nowhere = try await lab.client.send(.get, "/nowhere", headers: [.accept: type])
            #expect(nowhere.status == 404 && nowhere.headers[.contentType] == "application/problem+json")
        }
    }

    @Test("S02 · a body over the limit is 413, and one without end is not read to it")
    func longBodies() async throws {
        try await withLab { lab async throws in
            let port = lab.client.port
            let head = "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            let said = try await RawClient.exchange(port, [head + "Content-Length: 99999999999\r\n\r\n"])
            #expect(isProblem(said, 413) && saysClose(said), "\(said)")
            let piece = "10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n"
            let endless = try await RawClient.exchange(
                port, [head + "Transfer-Encoding: chunked\r\n\r\n"] + Array(repeating: piece, count: 64))
            #expect(endless.contains(" 413 "), "\(endless.prefix(300))")
        }
    }

    @Test("A request keeps the id that it came with, if a log can bear it; else it gets one")
    func requestIDs() async throws {
        try await withLab { lab async throws in
            let named = try await lab.client.send(.get, "/nowhere", headers: [.requestID: "order-4711.a_b"])
            #expect(named.headers[.requestID] == "order-4711.a_b")
            #expect(named.body["request_id"] as? String == "order-4711.a_b")
            var seen: Set<String> = []
            for id in ["", "a b", "a\"b", String(repeating: "a", count: 65), "é"] {
                let answer = try await lab.client.send(.get, "/nowhere", headers: [.requestID: id])
                let made = try #require(answer.headers[.requestID])
                #expect(RequestIdentity.isSane(made) && made != id)
                #expect(answer.body["request_id"] as? String == made)
                seen.insert(made)
            }
            #expect(seen.count == 5)
        }
    }

    @Test("S37 · pages of other sites may call only from origins that are listed, letter for letter")
    func crossOrigin() async throws {
        var front = FrontSettings()
        front.origins = ["https://shop.example"]
        try await withLab(front: front) { lab async throws in
            let ask: HTTPFields = [.origin: "https://shop.example", .accessControlRequestMethod: "POST"]
            let preflight = try await lab.client.send(.options, "/api/purchases", headers: ask)
            #expect(preflight.status == 204)
            #expect(preflight.headers[.accessControlAllowOrigin] == "https://shop.example")
            #expect(preflight.headers[.accessControlAllowMethods] == "POST")
            #expect(preflight.headers[.accessControlMaxAge] == "600")
            #expect(preflight.headers[.vary] == "Origin")
            for origin in [
                "https://evil.example", "null", "https://shop.example.evil", "HTTPS://shop.example",
            ] {
                var headers = ask
                headers[.origin] = origin
                let answer = try await lab.client.send(.options, "/api/purchases", headers: headers)
                #expect(answer.status == 405)
                #expect(answer.headers[.accessControlAllowOrigin] == nil)
            }
            let live = try await lab.client.send(
                .get, "/health/live", headers: [.origin: "https://shop.example"])
            #expect(live.headers[.accessControlAllowOrigin] == "https://shop.example")
            #expect(live.headers[.accessControlAllowCredentials] == nil)
        }
        try await withLab { lab async throws in
            let live = try await lab.client.send(
                .get, "/health/live", headers: [.origin: "https://shop.example"])
            #expect(live.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test("S38 · answers are not kept, not guessed at, not framed, and do not name the server")
    func securityHeaders() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            for path in ["/api/auth/me", "/api/products", "/nowhere", "/health/live"] {
                let answer = try await client.send(.get, path)
                #expect(answer.headers[.cacheControl] == "no-store")
                #expect(answer.headers[.xContentTypeOptions] == "nosniff")
                #expect(
                    answer.headers[.contentSecurityPolicy] == "default-src 'none'; frame-ancestors 'none'")
                #expect(answer.headers[.server] == nil)
                #expect(answer.headers[.strictTransportSecurity] == nil)
            }
        }
    }

    @Test("More requests at the same time than allowed are 503 with Retry-After")
    func inFlight() async throws {
        var front = FrontSettings()
        front.inFlight = 0
        try await withLab(front: front) { lab async throws in
            let answer = try await lab.client.send(.get, "/health/live")
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] == "1")
            #expect(await lab.page().contains("lab_http_refused_total{limit=\"server\"} 1\n"))
        }
    }

    @Test("A route that answers as many requests as one route may is 503 with Retry-After; the others go on")
    func inFlightOfOneRoute() async throws {
        var front = FrontSettings()
        front.inFlightPerRoute = 3
        try await withLab(front: front) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 10)
            let load = lab.metrics.inFlight(of: .purchase)
            load.add(3)
            let refused = try await client.buy(product)
            #expect(refused.status == 503)
            #expect(refused.headers[.retryAfter] == "1")
            #expect(try await client.stock(product) == 10)
            let page = await lab.page()
            #expect(page.contains("lab_http_refused_total{limit=\"route\"} 1\n"))
            let route = #"{http_request_method="POST",http_route="/api/purchases"}"#
            #expect(page.contains("lab_http_route_requests_in_flight\(route) 3\n"))
            load.add(-1)
            #expect(try await client.buy(product).status == 200)
            #expect(load.value == 2)
        }
    }

    @Test("Connections are counted from their first to their last moment")
    func connections() async throws {
        try await withLab { lab async throws in
            #expect(lab.metrics.connections.value == 0)
            var open: [RawConnection] = []
            for _ in 0..<5 { open.append(try await RawConnection.open(lab.client.port)) }
            try await waitUntil { lab.metrics.connections.value == 5 }
            #expect(await lab.page().contains("\nlab_http_connections 5\n"))
            for connection in open { await connection.reset() }
            try await waitUntil { lab.metrics.connections.value == 0 }
        }
    }
}
