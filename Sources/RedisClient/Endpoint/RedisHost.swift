/// A host and a port.
public struct RedisHost: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: Int

    public init(_ host: String, _ port: Int) {
        self.host = host
        self.port = port
    }

    public var description: String {
        (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
    }

    /// Equal for two spellings of one address, as far as that can be seen without asking a name server.
    var identity: String {
        let name = host.lowercased()
        return "\(name == "localhost" ? "127.0.0.1" : name):\(port)"
    }

    var address: RedisEndpoint.Address { .tcp(host: host, port: port) }
}
