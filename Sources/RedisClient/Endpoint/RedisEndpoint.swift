/// Where Redis is, and as whom to speak to it.
public struct RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// Which server, or which servers.
    public enum Address: Sendable, Hashable {
        /// One server.
        case tcp(host: String, port: Int)
        /// One server.
        case unixSocket(path: String)
        /// The master that Sentinels know by a name, whichever server it is.
        case sentinel(RedisSentinels)
        /// A Redis Cluster, entered through any of these nodes.
        case cluster(nodes: [RedisHost])
    }

    /// Which server, or which servers.
    public let address: Address
    /// Nil: the default user.
    public let username: String?
    /// Nil: no AUTH is sent.
    public let password: Secret?
    /// The number that SELECT names; 0 in a cluster.
    public let database: Int
    /// Nil: unencrypted.
    public let tls: RedisTLS?

    /// Each parameter is the property of that name; see ``init(parsing:)`` for a URL.
    public init(
        _ address: Address, username: String? = nil, password: Secret? = nil, database: Int = 0,
        tls: RedisTLS? = nil
    ) {
        self.address = address
        self.username = username
        self.password = password
        self.database = database
        self.tls = tls
    }

    /// What tells one server from another: the address without user and database; `localhost` is 127.0.0.1.
    public var server: String {
        switch address {
        case .tcp(let host, let port): RedisHost(host, port).identity
        case .unixSocket(let path): path
        case .sentinel(let sentinels): "\(Self.identity(sentinels.hosts))/\(sentinels.master)"
        case .cluster(let nodes): Self.identity(nodes)
        }
    }

    private static func identity(_ hosts: [RedisHost]) -> String {
        hosts.map(\.identity).sorted().joined(separator: ",")
    }

    /// The URL without user and passwords.
    public var description: String {
        let number = database == 0 ? "" : "\(database)"
        let path = number.isEmpty ? "" : "/\(number)"
        let scheme = tls == nil ? "redis" : "rediss"
        let query = tls?.query ?? ""
        switch address {
        case .tcp(let host, let port):
            return "\(scheme)://\(RedisHost(host, port))\(path)\(query)"
        case .unixSocket(let file):
            return "redis+unix://\(file)" + (number.isEmpty ? "" : "?database=\(number)")
        case .sentinel(let sentinels):
            return "\(scheme)+sentinel://\(Self.list(sentinels.hosts))/\(sentinels.master)\(path)\(query)"
        case .cluster(let nodes):
            return "\(scheme)+cluster://\(Self.list(nodes))\(query)"
        }
    }

    private static func list(_ hosts: [RedisHost]) -> String {
        hosts.map(\.description).joined(separator: ",")
    }
}
