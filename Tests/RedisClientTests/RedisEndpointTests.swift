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
            ("rediss://host", RedisEndpoint(.tcp(host: "host", port: 6379), tls: RedisTLS())),
            (
                "rediss://host:7000?server-name=redis.lab",
                RedisEndpoint(.tcp(host: "host", port: 7000), tls: RedisTLS(serverName: "redis.lab"))
            ),
            (
                "redis+sentinel://ann:pw@a:1,b,[::1]:3/shop/2?sentinel-password=g%26te",
                RedisEndpoint(
                    .sentinel(
                        RedisSentinels(
                            hosts: [RedisHost("a", 1), RedisHost("b", 26_379), RedisHost("::1", 3)],
                            master: "shop", password: Secret("g&te"))),
                    username: "ann", password: Secret("pw"), database: 2)
            ),
            (
                "redis+cluster://:pw@a:1,b:2/0",
                RedisEndpoint(
                    .cluster(nodes: [RedisHost("a", 1), RedisHost("b", 2)]), password: Secret("pw"))
            ),
            (
                "rediss+sentinel://a:1/shop?sentinel-password=x&server-name=redis.lab",
                RedisEndpoint(
                    .sentinel(
                        RedisSentinels(hosts: [RedisHost("a", 1)], master: "shop", password: Secret("x"))),
                    tls: RedisTLS(serverName: "redis.lab"))
            ),
            (
                "rediss+cluster://a:1,b:2?server-name=redis.lab",
                RedisEndpoint(
                    .cluster(nodes: [RedisHost("a", 1), RedisHost("b", 2)]),
                    tls: RedisTLS(serverName: "redis.lab"))
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
            ("localhost:6379", "write redis:// before it"),
            ("redis://localhost?ca=x", "ca= means nothing with redis://"),
            ("redis://a:1,b:2", "several hosts"),
            ("redis+sentinel://a:1", "name of the master is missing"),
            ("redis+sentinel://a:1/", "name of the master is missing"),
            ("redis+sentinel://a:1/shop/x", "database must be a number"),
            ("redis+sentinel://a:x/shop", "not host:port"),
            ("redis+sentinel://a:1,/shop", "the host is missing"),
            ("redis+cluster://a:1/3", "only database 0; leave /3 out"),
            ("redis+cluster://", "the host is missing"),
            ("redis+cluster://a:1?ca=x", "ca= means nothing with redis+cluster://"),
            ("rediss+cluster://a:1?ca=/no/such.pem", "ca=/no/such.pem cannot be read"),
            ("rediss+sentinel://a:1/shop?verify=no", "verify= means nothing"),
            ("rediss+sentinel://a:1", "name of the master is missing: rediss+sentinel://"),
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
        let sentinel = "redis+sentinel://ann:hunter2@host:1/shop/x?sentinel-password=hunter2"
        let other = #expect(throws: RedisURLError.self) { try RedisEndpoint(parsing: sentinel) }
        #expect(other?.description.contains("hunter2") == false)
        let good = try RedisEndpoint(parsing: sentinel.replacing("/x", with: ""))
        #expect(!String(reflecting: good).contains("hunter2"))
    }

    @Test(
        "never shows a part of a password that its URL does not hold as one",
        arguments: [
            "redis://:zqzq/xk%xk@host", "redis://ann:zqzq/xkxk@host", "redis://:zqzq?xkxk@host",
            "redis://:zqzq?x=xkxk@host", "redis://:zqzq#xkxk@host", "redis://:1234/xkxk@host",
            "redis://ann:1234?xkxk@host:1/0", "redis://:zqzq",
            "redis://ann:zqzq", "ann:zqzq@host", ":zqzq@host:1", "redis://ann:zqzq@xkxk/word@host",
            "redis+sentinel://:zqzq/xkxk@a:1,b:2/shop", "redis+cluster://:zq?zq@a:1,b:2",
            "redis+sentinel://a:1/shop/x?sentinel-password=zqzq,redis://:xkxk/1234@b",
            "redis+sentinel://a:1/shop?sentinel-password=zqzq#xkxk@x&verify=1",
        ])
    func hidesBrokenPassword(text: String) {
        let error = #expect(throws: RedisURLError.self) { try RedisEndpoint.list(parsing: text) }
        let shown = (error?.description ?? "") + " \(RedactedURLs(text))"
        for part in ["zq", "xk", "1234", "word@"] {
            #expect(!shown.contains(part), "\(shown)")
        }
    }

    @Test("is listed without what may be a password, and else as it was typed")
    func redacted() {
        for (text, shown) in [
            ("redis://host:1/2,redis://[::1]:7,redis+unix:///s?database=2", ""),
            ("redis+sentinel://a:1,b:2/shop/3", ""), ("localhost:6379", ""), ("", ""),
            ("redis://ann:pa,ss@h:1,rediss://:x@y", "redis://…@h:1,rediss://…@y"),
            (
                "redis+sentinel://a:1/s?sentinel-password=p,w,redis://b",
                "redis+sentinel://a:1/s?sentinel-password=…,redis://b"
            ),
        ] {
            #expect(RedactedURLs(text).description == (shown.isEmpty ? text : shown))
        }
    }

    @Test("stands in a list between commas; a part without scheme is a further host of the one before")
    func lists() throws {
        let list = try RedisEndpoint.list(parsing: "redis+cluster://a:1,b:2,redis://c,redis+unix:///d")
        #expect(
            list.map(\.description)
                == ["redis+cluster://a:1,b:2", "redis://c:6379", "redis+unix:///d"])
        #expect(throws: RedisURLError.self) { try RedisEndpoint.list(parsing: "redis://a,") }
        #expect(throws: RedisURLError.self) { try RedisEndpoint.list(parsing: "") }
    }

    @Test("is written as it was read, without its secrets")
    func written() throws {
        for text in [
            "redis://host:1/2", "redis://[::1]:1", "redis+unix:///s?database=2",
            "redis+sentinel://a:1,b:2/shop/3", "redis+cluster://a:1,[::1]:2",
            "rediss://host:1/2?server-name=n", "rediss+sentinel://a:1,b:2/shop/3?server-name=n",
            "rediss+cluster://a:1,b:2?server-name=n",
        ] {
            #expect(try RedisEndpoint(parsing: text).description == text)
        }
        let odd = RedisEndpoint(.tcp(host: "h", port: 1), tls: RedisTLS(serverName: "a b&c=d"))
        #expect(try RedisEndpoint(parsing: odd.description) == odd)
    }
}
