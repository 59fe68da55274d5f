import RedisClient
import Testing

@Suite("A Redis URL")
struct RedisEndpointTests {
    @Test(
        "is read into address, user, password and database",
        arguments: [
            ("redis://localhost", RedisEndpoint(.tcp(host: "localhost", port: 6379))),
            ("redis://127.0.0.1:7000/3", RedisEndpoint(.tcp(host: "127.0.0.1", port: 7000), database: 3)),
            ("redis://[::1]:7000", RedisEndpoint(.tcp(host: "::1", port: 7000))),
            (
                "redis://ann:s%40cret@host",
                RedisEndpoint(.tcp(host: "host", port: 6379), username: "ann", password: Secret("s@cret"))
            ),
            (
                "redis://:pw@host",
                RedisEndpoint(.tcp(host: "host", port: 6379), password: Secret("pw"))
            ),
            (
                "redis+unix:///run/redis.sock?database=2",
                RedisEndpoint(.unixSocket(path: "/run/redis.sock"), database: 2)
            ),
        ])
    func isRead(_ text: String, _ expected: RedisEndpoint) throws {
        #expect(try RedisEndpoint(parsing: text) == expected)
    }

    @Test(
        "that cannot be used is refused with the reason",
        arguments: [
            ("localhost:6379", "scheme"),
            ("http://localhost", "scheme is http"),
            ("rediss://localhost", "TLS"),
            ("redis://", "host is missing"),
            ("redis://host:0", "port 0"),
            ("redis://host:70000", "port 70000"),
            ("redis://host/x", "database must be a number"),
            ("redis://host/-1", "database must be a number"),
            ("redis+unix://", "path of the socket"),
            ("", "not a URL"),
        ])
    func isRefused(_ text: String, _ reason: String) {
        let error = #expect(throws: RedisURLError.self) { try RedisEndpoint(parsing: text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test("never shows its password, in its description or in an error")
    func hidesPassword() throws {
        let endpoint = try RedisEndpoint(parsing: "redis://ann:hunter2@host:1/2")
        #expect(!"\(endpoint)".contains("hunter2"))
        #expect(!String(reflecting: endpoint).contains("hunter2"))
        let error = #expect(throws: RedisURLError.self) {
            try RedisEndpoint(parsing: "redis://ann:hunter2@host/x")
        }
        #expect(error?.description.contains("hunter2") == false)
    }
}
