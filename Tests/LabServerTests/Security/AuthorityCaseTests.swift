import HTTPTypes
import LedgerSQLite
import RedisClient
import Testing

@testable import InventoryService
@testable import LabServerKit

/// Who may do what, and what a client may set.
@Suite("Who may do what", .sharedLab)
struct AuthorityCaseTests {
    private let lab: Lab

    init() throws { lab = try SharedLab.lab }

    @Test("S28 · each administrator's route is 401 without a token that counts, and 403 for a user")
    func adminRoutes() async throws {
        let user = try await lab.client.signedIn("plain-user")
        let boss = try await lab.administrator("boss-of-all")
        let ended = try await lab.administrator("disabled-admin")
        let found = try #require(try await lab.ledger.credentials(of: "disabled-admin"))
        let disabling = try await boss.send(
            .patch, "/api/admin/users/\(found.user.id)", #"{"disabled":true}"#)
        #expect(disabling.status == 200)
        let master = try #require(try await lab.ledger.credentials(of: "boss-of-all"))
        let past = try AccessTokens(
            .init(secret: Lab.secret), clock: WallClock { WallClock.system.now.advanced(by: .seconds(-7200)) }
        )
        var expired = lab.client
        expired.token = try past.issue(for: master.user.id, version: master.standing.tokenVersion).token
            .revealed
        // By what they are called and by what they ask for: neither can be forgotten.
        let routes = RouteTable.all.filter { $0.path.hasPrefix("/api/admin") || $0.access == .admin }
        #expect(routes.count >= 9)
        for route in routes {
            let path = route.path.replacing("{id}", with: "4711")
            #expect(path.hasPrefix("/api/admin/") && route.access == .admin, "\(route.id)")
            for (name, client) in [("nobody", lab.client), ("expired", expired), ("disabled", ended)] {
                let refused = try await client.send(route.method, path, "{}")
                #expect(refused.status == 401, "\(route.id) \(name)")
                #expect(refused.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
            }
            let forbidden = try await user.send(route.method, path, "{}")
            #expect(forbidden.status == 403, "\(route.id)")
            #expect(forbidden.headers[.wwwAuthenticate] == nil)
            // The same request of an administrator comes further: to the fields, or to what does not exist.
            let admitted = try await boss.send(route.method, path, "{}")
            #expect([200, 404, 422].contains(admitted.status), "\(route.id) \(admitted.status)")
        }
    }

    @Test(
        "S29 · fields that a client may not set are refused by name",
        arguments: [
            "role", "id", "user_id", "created_at", "current_stock", "token_version", "price", "disabled",
        ])
    func massAssignment(name: String) async throws {
        let client = try await lab.client.signedIn("setter")
        for (path, body) in [
            ("/api/auth/register", #"{"username":"eve","password":"lab-test-12""#),
            ("/api/products", #"{"name":"n","price":1,"initial_stock":1"#),
            ("/api/purchases", #"{"product_id":1,"quantity":1"#),
        ] where !(name == "price" && path == "/api/products") {
            let answer = try await client.send(.post, path, body + #","\#(name)":1}"#)
            #expect(answer.status == 422)
            #expect(answer.body["field"] as? String == name)
        }
    }

    @Test("S29 · no answer holds a hash, a version, a role of another, or the number of a filling")
    func answersHoldNoInside() async throws {
        let client = try await lab.client.signedIn("looker")
        let product = try await client.product(units: 5)
        _ = try await client.buy(product)
        let inside: Set = [
            "password", "hashed_password", "hash", "token_version", "version", "epoch", "reservation_id",
            "fence",
            "idempotency_key", "role", "user_id", "sold", "supplied",
        ]
        for path in [
            "/api/auth/me", "/api/products", "/api/products/\(product)", "/api/products/\(product)/stock",
            "/api/purchases/me",
        ] {
            let answer = try await client.send(.get, path)
            #expect(answer.status == 200)
            for object in answer.list + [answer.body] {
                #expect(inside.isDisjoint(with: object.keys), "\(path) \(object.keys)")
            }
        }
    }
}
