import ArgumentParser
import Foundation
import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// Cases of the security list, by their numbers, through the whole server. Those of the front are in
/// `FrontTests`, those of the token's form in `AccessTokensTests`.
@Suite struct SecurityTests {
    private static func isRefused(_ answer: ApiClient.Answer) -> Bool {
        answer.status == 401 && answer.headers[.wwwAuthenticate] == #"Bearer error="invalid_token""#
    }

    @Test(
        "S15 · after signing out, a new password, disabling and a new role the old token is refused at once")
    func endedTokens() async throws {
        try await withLab { lab async throws in
            let admin = try await lab.administrator()
            func refused(_ client: ApiClient) async throws -> Bool {
                Self.isRefused(try await client.send(.get, "/api/products"))
            }
            let first = try await lab.client.signedIn()
            #expect(try await first.send(.post, "/api/auth/logout").status == 204)
            #expect(try await refused(first))

            let second = try await lab.client.logIn("ann")
            let change = #"{"password":"lab-test-12","new_password":"another phrase"}"#
            #expect(try await second.send(.post, "/api/auth/password", change).status == 204)
            #expect(try await refused(second))
            let old = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"ann","password":"lab-test-12"}"#)
            #expect(old.status == 401)

            let third = try await lab.client.signedIn("bea")
            let id = try #require(try await third.send(.get, "/api/auth/me").body["id"] as? Int)
            let disabled = try await admin.send(
                .patch, "/api/admin/users/\(id)", #"{"disabled":true}"#)
            #expect(disabled.body["disabled"] as? Bool == true)
            #expect(try await refused(third))
            #expect(try await lab.client.logIn("bea").token == nil)
            _ = try await admin.send(.patch, "/api/admin/users/\(id)", #"{"disabled":false,"role":"admin"}"#)
            let fourth = try await lab.client.logIn("bea")
            #expect(try await fourth.send(.get, "/api/admin/users").status == 200)
            _ = try await admin.send(.patch, "/api/admin/users/\(id)", #"{"role":"user"}"#)
            #expect(try await refused(fourth))
            let fifth = try await lab.client.logIn("bea")
            #expect(try await fifth.send(.get, "/api/admin/users").status == 403)
        }
    }

    @Test(
        "S23 · guesses at one account are throttled with Retry-After, other accounts are not, and a right one resets"
    )
    func guesses() async throws {
        let limits = AuthLimiter.Settings(requestsPerMinute: nil, guessesPerMinute: 3)
        try await withLab(limits: limits) { lab async throws in
            _ = try await lab.client.signedIn()
            func guess(_ name: String, _ password: String) async throws -> ApiClient.Answer {
                try await lab.client.send(
                    .post, "/api/auth/login", #"{"username":"\#(name)","password":"\#(password)"}"#)
            }
            for _ in 0..<2 { #expect(try await guess("ann", "wrong-password").status == 401) }
            #expect(try await guess("ann", "lab-test-12").status == 200)
            for _ in 0..<3 { #expect(try await guess("ann", "wrong-password").status == 401) }
            let refused = try await guess("ann", "lab-test-12")
            #expect(refused.status == 429)
            #expect(refused.headers[.contentType] == "application/problem+json")
            let seconds = try #require(refused.headers[.retryAfter].flatMap { Int($0) })
            #expect((1...20).contains(seconds))
            #expect(try await guess("bea", "wrong-password").status == 401)
        }
    }

    @Test(
        "S23 · a hundred guesses at one account at once: as many are looked at as the limit says, and it is not locked"
    )
    func hundredGuesses() async throws {
        // One more is let through each second; the line for passwords is long enough for all.
        let limits = AuthLimiter.Settings(requestsPerMinute: nil, guessesPerMinute: 60)
        try await withLab(limits: limits, hasher: PasswordHasher(cost: 4, queue: 200)) { lab async throws in
            _ = try await lab.client.signedIn()
            let clock = ContinuousClock()
            let start = clock.now
            @Sendable func guess(_ password: String) async throws -> Int {
                try await lab.client.send(
                    .post, "/api/auth/login", #"{"username":"ann","password":"\#(password)"}"#
                ).status
            }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await guess("wrong-password") } }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            let refilled = Int(start.duration(to: clock.now) / .seconds(1)) + 1
            #expect((60...60 + refilled).contains(statuses[401] ?? 0), "\(statuses)")
            #expect((statuses[401] ?? 0) + (statuses[429] ?? 0) == 100)
            try await waitUntil { try await guess("lab-test-12") == 200 }
        }
    }

    @Test("S27 · the idempotency key of another user is another key, and his purchases are not seen")
    func otherUsers() async throws {
        try await withLab { lab async throws in
            let ann = try await lab.client.signedIn()
            let bea = try await lab.client.signedIn("bea")
            let product = try await ann.product(units: 5)
            let key: HTTPFields = [.idempotencyKey: "order-1"]
            let first = try await ann.buy(product, headers: key)
            let second = try await bea.buy(product, headers: key)
            #expect(first.status == 200 && second.status == 200)
            #expect(first.body["id"] as? Int != second.body["id"] as? Int)
            #expect(try await bea.send(.get, "/api/purchases/me").list.count == 1)
        }
    }

    @Test("S34 · filters and ids are values: SQL in them is refused or finds nothing, and lists stay capped")
    func filters() async throws {
        try await withLab { lab async throws in
            let admin = try await lab.administrator()
            let product = try await admin.product(units: 5)
            for _ in 0..<3 { _ = try await admin.buy(product) }
            let path = "/api/admin/purchases"
            #expect(try await admin.send(.get, path).list.count == 3)
            #expect(
                try await admin.send(.get, "\(path)?product_id=\(product)&user_id=1&limit=2").list.count == 2)
            #expect(try await admin.send(.get, "\(path)?user_id=99").headers[.totalCount] == "0")
            #expect(try await admin.send(.get, "\(path)?from=2000-01-01T00:00:00Z").list.count == 3)
            #expect(try await admin.send(.get, "\(path)?until=2000-01-01T00:00:00%2B01:00").list.isEmpty)
            for query in [
                "user_id=1%20OR%201=1--", "product_id='%20OR%201=1--", "from=2026-02-30T00:00:00Z",
                "from=x';DROP%20TABLE%20users;--", "limit=1000", "limit=10&limit=20", "order=id",
            ] {
                #expect(try await admin.send(.get, "\(path)?\(query)").status == 422, "\(query)")
            }
            for id in ["1%7B2%7D", "1%0D%0A", "%2B1", "01", "1e3", "9223372036854775808"] {
                #expect(try await admin.send(.get, "/api/products/\(id)").status == 404, "\(id)")
            }
        }
    }

    @Test("S34 · a list is read from page to page by what the page before says; far into it nobody can skip")
    func cursor() async throws {
        try await withLab { lab async throws in
            let admin = try await lab.administrator()
            let product = try await admin.product(units: 50)
            for _ in 0..<7 { _ = try await admin.buy(product) }
            for _ in 0..<6 { _ = try await admin.product(units: 1) }
            for number in 0..<6 {
                _ = try await lab.client.send(
                    .post, "/api/auth/register", #"{"username":"u\#(number)","password":"lab-test-12"}"#)
            }
            let lists = [
                "/api/products", "/api/purchases/me", "/api/admin/users",
                "/api/admin/purchases?product_id=\(product)&from=2000-01-01T00:00:00%2B01:00",
            ]
            for list in lists {
                let mark = list.contains("?") ? "&" : "?"
                let whole = try await admin.send(.get, list).list.compactMap { $0["id"] as? Int }
                #expect(whole.count == 7)
                var (path, ids): (String?, [Int]) = ("\(list)\(mark)limit=3", [])
                var pages = 0
                while let next = path, pages < 10 {
                    pages += 1
                    let page = try await admin.send(.get, next)
                    #expect(page.status == 200 && page.headers[.totalCount] == "7", "\(next)")
                    ids += page.list.compactMap { $0["id"] as? Int }
                    let link = page.headers[.link]
                    #expect(link == nil || link?.hasSuffix("; rel=\"next\"") == true)
                    path = link.flatMap { $0.firstMatch(of: /<([^>]*)>/) }.map { String($0.1) }
                }
                #expect(ids == whole && pages == 3, "\(list)")
                for query in ["skip=10001", "after=0", "after=x", "after=1&after=2"] {
                    #expect(try await admin.send(.get, "\(list)\(mark)\(query)").status == 422, "\(query)")
                }
                #expect(try await admin.send(.get, "\(list)\(mark)skip=10000").list.isEmpty)
                let both = try await admin.send(.get, "\(list)\(mark)after=\(whole[1])&skip=2").list
                #expect(both.compactMap { $0["id"] as? Int } == Array(whole[4...]), "\(list)")
            }
        }
    }

    @Test("S35 · only a trusted proxy's word counts for whom the limits count")
    func trustedProxies() async throws {
        let limits = AuthLimiter.Settings(requestsPerMinute: 2, guessesPerMinute: nil)
        var front = FrontSettings()
        front.proxies = try TrustedProxies(parsing: "127.0.0.1, ::1,10.0.0.0/8")
        try await withLab(limits: limits, front: front) { lab async throws in
            func ask(_ forwarded: String) async throws -> Int {
                try await lab.client.send(.post, "/api/auth/login", "{}", headers: [.forwardedFor: forwarded])
                    .status
            }
            // What the client wrote itself stands left of what the proxies added.
            for number in 0..<2 { #expect(try await ask("1.1.1.\(number), 203.0.113.7, 10.1.2.3") == 422) }
            #expect(try await ask("9.9.9.9, 203.0.113.7") == 429)
            #expect(try await ask("203.0.113.8") == 422)
        }
    }

    @Test(
        "S35 · the client is the last address that no trusted proxy has; what is no address ends the search",
        arguments: [
            ("203.0.113.1", ["1.2.3.4"], "203.0.113.1"), ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"), ("10.0.0.1", ["1.2.3.4, 10.9.9.9"], "1.2.3.4"),
            ("10.0.0.1", ["1.2.3.4", "5.6.7.8"], "5.6.7.8"), ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", ["1.2.3.4, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
            ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"), ("10.0.0.1", ["1.2.3.4:80"], "10.0.0.1"),
        ])
    func client(peer: String, forwarded: [String], client: String) throws {
        let proxies = try TrustedProxies(parsing: "10.0.0.0/8,fd00::/8")
        #expect(proxies.client(of: peer, forwarded: forwarded) == client)
        #expect(TrustedProxies.none.client(of: peer, forwarded: forwarded) == peer)
    }

    @Test(
        "S35 · a proxy that is neither an address nor a network stops the start",
        arguments: ["10.0.0.0/33", "proxy.example", "10.0.0.1/", "/8", "fd00::/129", "10.0.0.1/-1", "10.0.0"])
    func wrongProxies(text: String) throws {
        let values = try ServeOptions.parse(["--dev", "--trusted-proxies", text]).values(environment: [:]) {
            _ in nil
        }
        let failure = #expect(throws: StartFailure.self) { try ServePlan(values) }
        #expect(failure?.description.contains("--trusted-proxies") == true)
    }

    @Test(
        "S35 · auth requests of one address are limited, whatever address a header claims; answers say how many are left"
    )
    func addressLimit() async throws {
        let limits = AuthLimiter.Settings(requestsPerMinute: 3, guessesPerMinute: nil)
        try await withLab(limits: limits) { lab async throws in
            var left: [String?] = []
            for number in 0..<3 {
                let forwarded = try #require(HTTPField.Name("X-Forwarded-For"))
                let answer = try await lab.client.send(
                    .post, "/api/auth/register", #"{"username":"u\#(number)","password":"lab-test-12"}"#,
                    headers: [forwarded: "10.0.0.\(number)"])
                #expect(answer.status == 201)
                #expect(answer.headers[.rateLimitPolicy] == "\"address\";q=3;w=60")
                left.append(answer.headers[.rateLimit])
            }
            #expect(
                left.compactMap { $0?.prefix(13) } == [
                    "\"address\";r=2", "\"address\";r=1", "\"address\";r=0",
                ])
            let refused = try await lab.client.send(.post, "/api/auth/login", "{}")
            #expect(refused.status == 429)
            #expect(refused.headers[.retryAfter] != nil)
            #expect(try await lab.client.send(.get, "/health/live").status == 200)
        }
    }

    @Test("S44 · without Redis nothing is sold and nobody gets in without a password; the limiter goes on")
    func outage() async throws {
        let limits = AuthLimiter.Settings(requestsPerMinute: nil, guessesPerMinute: 1)
        try await withLab(limits: limits) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            await lab.redis.kill()
            #expect(try await client.buy(product).status == 503)
            let body = #"{"username":"ann","password":"wrong-password"}"#
            #expect(try await lab.client.send(.post, "/api/auth/login", body).status == 401)
            #expect(try await lab.client.send(.post, "/api/auth/login", body).status == 429)
        }
    }

    @Test(
        "S44 · without the ledger nothing is sold, nobody signs in, and a token that was never seen is not believed"
    )
    func outageOfTheLedger() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            let unseen = try await lab.client.signedIn("bea")
            await lab.ledger.close()
            #expect(try await client.buy(product).status == 503)
            for password in ["lab-test-12", "wrong-password"] {
                let answer = try await lab.client.send(
                    .post, "/api/auth/login", #"{"username":"ann","password":"\#(password)"}"#)
                #expect(answer.status == 503)
                #expect(answer.headers[.retryAfter] == "1")
            }
            #expect(try await unseen.send(.get, "/api/products/\(product)/stock").status == 503)
            let key = ProductKeys(ProductID(Int64(product))).stock
            #expect(try await lab.stock.send(RedisCommand("GET", key)).integer == 5)
        }
    }
}

/// The decision of the limiter, on a clock that the test moves.
@Suite struct TokenBucketsTests {
    @Test("So many at once, then one after each interval, and never locked out for ever")
    func refill() {
        var buckets = TokenBuckets(.init(burst: 3, interval: .seconds(20)))
        let start = ContinuousClock.now
        for left in [2, 1, 0] {
            let decision = buckets.take("a", at: start)
            #expect(decision.isAllowed && decision.remaining == left)
        }
        // A hundred more change nothing.
        for _ in 0..<100 {
            #expect(buckets.take("a", at: start) == .init(isAllowed: false, remaining: 0, wait: .seconds(20)))
        }
        #expect(buckets.take("b", at: start).isAllowed)
        #expect(!buckets.take("a", at: start + .seconds(19)).isAllowed)
        #expect(buckets.take("a", at: start + .seconds(20)).isAllowed)
        #expect(buckets.take("a", at: start + .seconds(1000)).remaining == 2)
    }

    @Test("Keys are forgotten before they are too many")
    func memory() {
        var buckets = TokenBuckets(.init(burst: 3, interval: .seconds(20)), capacity: 100)
        let start = ContinuousClock.now
        for number in 0..<10_000 { _ = buckets.take("\(number)", at: start + .milliseconds(number)) }
        #expect(buckets.count <= 100)
    }
}
