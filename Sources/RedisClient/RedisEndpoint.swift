import Foundation

/// Where one Redis server is, and as whom to speak to it.
public struct RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    public enum Address: Sendable, Hashable {
        case tcp(host: String, port: Int)
        case unixSocket(path: String)
    }

    public let address: Address
    public let username: String?
    public let password: Secret?
    public let database: Int

    public init(_ address: Address, username: String? = nil, password: Secret? = nil, database: Int = 0) {
        self.address = address
        self.username = username
        self.password = password
        self.database = database
    }

    /// What tells one server from another: the address without user and database; `localhost` is 127.0.0.1.
    public var server: String {
        switch address {
        case .tcp(let host, let port):
            let name = host.lowercased()
            return "\(name == "localhost" ? "127.0.0.1" : name):\(port)"
        case .unixSocket(let path):
            return path
        }
    }

    /// Reads `redis://[user:password@]host[:port][/database]` or
    /// `redis+unix://[user:password@]/path/to/socket[?database=N]`.
    public init(parsing text: String) throws(RedisURLError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
            throw RedisURLError(url: text, problem: "it is not a URL")
        }
        let secret = parts.password.map { Secret($0) }
        let user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        switch scheme {
        case "redis":
            guard let host = parts.host, !host.isEmpty else {
                throw RedisURLError(url: text, problem: "the host is missing")
            }
            let port = parts.port ?? 6379
            guard (1...65_535).contains(port) else {
                throw RedisURLError(url: text, problem: "port \(port) is not between 1 and 65535")
            }
            let path = parts.path.drop { $0 == "/" }
            let database = try Self.database(path.isEmpty ? nil : String(path), in: text)
            self.init(
                .tcp(host: host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port: port),
                username: user, password: secret, database: database)
        case "redis+unix":
            guard parts.path.count > 1 else {
                throw RedisURLError(url: text, problem: "the path of the socket is missing")
            }
            let number = parts.queryItems?.first { $0.name == "database" }?.value
            self.init(
                .unixSocket(path: parts.path), username: user, password: secret,
                database: try Self.database(number, in: text))
        case "rediss":
            throw RedisURLError(
                url: text, problem: "TLS (rediss://) is not available yet; use redis:// or redis+unix://")
        default:
            throw RedisURLError(
                url: text, problem: "the scheme is \(scheme); use redis:// or redis+unix://")
        }
    }

    private static func database(_ text: String?, in url: String) throws(RedisURLError) -> Int {
        guard let text else { return 0 }
        guard let number = Int(text), number >= 0 else {
            throw RedisURLError(url: url, problem: "the database must be a number from 0 on, not \(text)")
        }
        return number
    }

    /// The URL without user and password.
    public var description: String {
        switch address {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "redis://\(name):\(port)" + (database == 0 ? "" : "/\(database)")
        case .unixSocket(let path):
            return "redis+unix://\(path)" + (database == 0 ? "" : "?database=\(database)")
        }
    }
}

/// A Redis URL that cannot be used, and why. Never shows the password.
public struct RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(url: String, problem: String) {
        // What stands before the last @ may hold a password.
        let shown = url.lastIndex(of: "@").map { "…" + url[$0...] } ?? url
        description = "bad Redis URL \"\(shown)\": \(problem)"
    }
}
