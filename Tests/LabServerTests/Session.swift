import HTTPTypes
import InventoryService
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// Calls of every route, such that every status comes that a client can bring about.
struct Session {
    let lab: Lab
    let check: DocumentCheck

    @discardableResult
    private func call(
        _ id: OperationID, _ client: ApiClient, _ body: String? = nil, path: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> ApiClient.Answer {
        let route = RouteTable[id]
        let path = path ?? route.path.replacing("{id}", with: "1")
        let answer = try await client.send(route.method, path, body, headers: headers)
        check.look(
            id, status: answer.status, type: answer.headers[.contentType], body: answer.text,
            headers: answer.headers)
        return answer
    }

    func run() async throws {
        let nobody = lab.client
        for route in RouteTable.all where route.access != .anyone { try await call(route.id, nobody) }
        let boss = try await lab.administrator("boss")
        for route in RouteTable.all where route.body != nil {
            try await call(route.id, boss, "{}", headers: [.contentType: "text/plain"])
        }
        try await users(nobody)
        let client = try await nobody.signedIn("ann")
        for route in RouteTable.all where route.access == .admin {
            try await call(route.id, client, route.body?.example.json)
        }
        try await shop(client)
        try await administration(try await lab.administrator())
        for id in [OperationID.live, .startup, .ready, .openAPI, .docs, .home] { try await call(id, nobody) }
        for name in ["sold-out", "unheard-of"] {
            try await call(.explainProblem, nobody, path: "/problems/\(name)")
        }
        try await front()
    }

    /// What stands before the routes refuses, at the address of each of them.
    private func front() async throws {
        for route in RouteTable.all {
            let path = route.path.replacing("{id}", with: "1")
            let line = "\(route.method.rawValue) \(path) HTTP/1.1\r\nConnection: close\r\n"
            let host = line + "Host: x\r\n"
            try await raw(route.id, line + "\r\n", 400)
            try await raw(route.id, host + "Expect: coffee\r\n\r\n", 417)
            try await raw(route.id, host + "X-Long: \(String(repeating: "a", count: 70_000))\r\n\r\n", 431)
            if route.body != nil {
                let head = host + "Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
                try await raw(route.id, head, 413)
            }
        }
        let check = check
        var full = FrontSettings()
        full.inFlight = 0
        try await withLab(front: full) { lab async throws in
            let session = Session(lab: lab, check: check)
            for route in RouteTable.all {
                let answer = try await session.call(route.id, lab.client, route.body?.example.json)
                #expect(answer.status == 503, "\(route.id)")
            }
        }
    }

    /// Sends what no client would send, reads until the server closes, and holds the answer against the
    /// document.
    private func raw(_ id: OperationID, _ request: String, _ status: Int) async throws {
        let text = try await RawClient.exchange(lab.client.port, [request])
        let end = try #require(text.firstRange(of: "\r\n\r\n"), "\(id): \(text)")
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        #expect(lines.first?.hasPrefix("HTTP/1.1 \(status) ") == true, "\(id): \(text.prefix(300))")
        var headers = HTTPFields()
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon]))
            else {
                continue
            }
            headers[name] = line[line.index(after: colon)...].trimmingPrefix(" ").description
        }
        check.look(
            id, status: status, type: headers[.contentType], body: String(text[end.upperBound...]),
            headers: headers)
    }

    private func users(_ nobody: ApiClient) async throws {
        let registration = #"{"username":"ann","password":"lab-test-12","email":"ann@example.org"}"#
        for body in [registration, registration, "{}"] { try await call(.register, nobody, body) }
        for body in [
            #"{"username":"ann","password":"lab-test-12"}"#, #"{"username":"ann","password":"wrong"}"#, "[]",
        ] { try await call(.logIn, nobody, body) }
        let other = try await nobody.signedIn("eve")
        try await call(.me, other)
        try await call(.changePassword, other, #"{"password":"x","new_password":"lab-test-34"}"#)
        try await call(.changePassword, other, #"{"password":"lab-test-12","new_password":"lab-test-34"}"#)
        try await call(.logOut, try await nobody.signedIn("fay"))
        let check = check
        try await withLab(limits: .init(requestsPerMinute: 2, guessesPerMinute: 100)) { lab async throws in
            let throttled = Session(lab: lab, check: check)
            let client = try await lab.client.signedIn()
            for id in [OperationID.register, .logIn, .changePassword] {
                try await throttled.call(id, client, RouteTable[id].body?.example.json)
            }
        }
    }

    private func shop(_ client: ApiClient) async throws {
        let made = try await call(
            .createProduct, client, RouteTable[.createProduct].body?.example.json)
        try await call(.createProduct, client, #"{"name":"n","price":-1,"initial_stock":0}"#)
        for path in ["/api/products/1", "/api/products/99", "/api/products/abc"] {
            try await call(.getProduct, client, path: path)
            try await call(.getStock, client, path: path + "/stock")
        }
        let id = made.body["id"] as? Int ?? -1
        for (quantity, product) in [(1, id), (1_000_000, id), (1, 99), (0, id)] {
            try await call(.purchase, client, #"{"product_id":\#(product),"quantity":\#(quantity)}"#)
        }
        for query in ["", "?limit=0"] {
            try await call(.listProducts, client, path: "/api/products" + query)
            try await call(.listMyPurchases, client, path: "/api/purchases/me" + query)
        }
    }

    private func administration(_ admin: ApiClient) async throws {
        try await call(.changeProduct, admin, #"{"price":7}"#)
        try await call(.changeProduct, admin, #"{"price":7}"#, path: "/api/admin/products/99")
        try await call(.changeProduct, admin, #"{"price":-7}"#)
        for (delta, id) in [(5, 1), (0, 1), (-1_000_000, 1), (5, 99)] {
            try await call(
                .adjustStock, admin, #"{"delta":\#(delta),"reason":"r"}"#,
                path: "/api/admin/products/\(id)/stock")
        }
        for query in ["", "?dry_run=true", "?dry_run=perhaps"] {
            try await call(.reconcile, admin, path: "/api/admin/reconcile" + query)
        }
        try await call(.getLogLevel, admin)
        for body in [#"{"level":"info","duration_s":9}"#, #"{"level":"notice"}"#, #"{"level":"loud"}"#] {
            try await call(.setLogLevel, admin, body)
        }
        for id in [1, 99] { try await call(.deleteProduct, admin, path: "/api/admin/products/\(id)") }
        for query in ["", "?from=yesterday"] {
            try await call(.listPurchases, admin, path: "/api/admin/purchases" + query)
        }
        for query in ["", "?skip=-1"] { try await call(.listUsers, admin, path: "/api/admin/users" + query) }
        try await call(.changeUser, admin, #"{"role":"user"}"#, path: "/api/admin/users/2")
        try await call(.changeUser, admin, #"{"role":"user"}"#, path: "/api/admin/users/99")
        try await call(.changeUser, admin, #"{"role":"king"}"#)
    }
}
