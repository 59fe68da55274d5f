/// A host and a port.
public struct RedisHost: Sendable, Hashable, CustomStringConvertible {
    /// A name or an IP address, without brackets.
    public let host: String
    /// From 1 to 65535.
    public let port: Int

    /// A host, as a name or an IP address without brackets, and a port.
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
