import Foundation

extension RedisEndpoint {
    /// Reads one of `redis://[user:password@]host[:port][/database]`, `rediss://…` the same over TLS, with
    /// `?ca=PATH&cert=PATH&key=PATH&server-name=NAME`,
    /// `redis+unix://[user:password@]/path/to/socket[?database=N]`,
    /// `redis+sentinel://[user:password@]host:port[,host:port…]/master[/database][?sentinel-password=…]`,
    /// `redis+cluster://[user:password@]host:port[,host:port…]`, `rediss+sentinel://…` and
    /// `rediss+cluster://…` the same over TLS, with the options of `rediss://`: to the Sentinels and to every
    /// server that they or a node of the cluster name.
    ///
    /// Files that the URL names are read once, to see that they can be.
    public init(parsing text: String) throws(RedisURLError) {
        let url = try RedisURL(text)
        switch url.scheme {
        case "redis", "rediss":
            self = try Self.server(url)
        case "redis+unix":
            try url.allow(["database"])
            guard url.path.count > 1 else { throw url.problem("the path of the socket is missing") }
            self = try Self.at(.unixSocket(path: url.path), url, database: url.query["database"])
        case "redis+sentinel", "rediss+sentinel":
            self = try Self.sentinel(url)
        case "redis+cluster", "rediss+cluster":
            let tls = try Self.tls(url)
            let database = url.path.drop { $0 == "/" }
            guard database.isEmpty || database == "0" else {
                throw url.problem("a cluster has only database 0; leave /\(database) out")
            }
            self = try Self.at(
                .cluster(nodes: try url.hosts(defaultPort: 6379)), url, database: nil, tls: tls)
        default:
            throw url.problem(
                "the scheme is \(url.scheme); use redis://, redis+unix://, redis+sentinel:// or "
                    + "redis+cluster://; over TLS rediss://, rediss+sentinel:// or rediss+cluster://")
        }
    }

    /// Splits a list of URLs at its commas. A part without a scheme belongs to the URL before it, as a
    /// further host of a cluster.
    public static func list(parsing text: String) throws(RedisURLError) -> [RedisEndpoint] {
        var urls: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            if part.contains("://") || urls.isEmpty {
                urls.append(String(part))
            } else {
                urls[urls.count - 1] += ",\(part)"
            }
        }
        var endpoints: [RedisEndpoint] = []
        for url in urls { endpoints.append(try RedisEndpoint(parsing: url)) }
        return endpoints
    }

    private static func server(_ url: RedisURL) throws(RedisURLError) -> RedisEndpoint {
        let tls = try tls(url)
        let hosts = try url.hosts(defaultPort: 6379)
        guard hosts.count == 1 else {
            throw url.problem("it names several hosts; use redis+sentinel:// or redis+cluster://")
        }
        let path = url.path.drop { $0 == "/" }
        return try at(hosts[0].address, url, database: path.isEmpty ? nil : String(path), tls: tls)
    }

    /// The options of TLS, which only its schemes have; nil for the others.
    ///
    /// - Parameter others: Options that the scheme has beside them.
    private static func tls(_ url: RedisURL, others: [String] = []) throws(RedisURLError) -> RedisTLS? {
        let isTLS = url.scheme.hasPrefix("rediss")
        try url.allow(others + (isTLS ? ["ca", "cert", "key", "server-name"] : []))
        guard isTLS else { return nil }
        let settings = RedisTLS(
            authorities: url.query["ca"], certificate: url.query["cert"], key: url.query["key"],
            serverName: url.query["server-name"])
        do throws(RedisTLS.Problem) {
            _ = try settings.context()
        } catch {
            throw url.problem(error.sentence)
        }
        return settings
    }

    private static func sentinel(_ url: RedisURL) throws(RedisURLError) -> RedisEndpoint {
        let tls = try tls(url, others: ["sentinel-password"])
        let parts = url.path.split(separator: "/")
        guard let name = parts.first else {
            throw url.problem("the name of the master is missing: \(url.scheme)://host:port/NAME")
        }
        guard parts.count <= 2 else { throw url.problem("there is too much after the database") }
        let sentinels = RedisSentinels(
            hosts: try url.hosts(defaultPort: 26_379), master: String(name),
            password: url.query["sentinel-password"].map { Secret($0) })
        return try at(.sentinel(sentinels), url, database: parts.count > 1 ? String(parts[1]) : nil, tls: tls)
    }

    private static func at(
        _ address: Address, _ url: RedisURL, database text: String?, tls: RedisTLS? = nil
    ) throws(RedisURLError) -> RedisEndpoint {
        var database = 0
        if let text {
            guard let number = Int(text), number >= 0 else {
                throw url.problem("the database must be a number from 0 on, not \(text)")
            }
            database = number
        }
        return RedisEndpoint(
            address, username: url.user, password: url.password, database: database, tls: tls)
    }
}
