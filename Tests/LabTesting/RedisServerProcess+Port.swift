public import LabProcesses
import RedisClient

extension RedisServerProcess {
    /// The loopback port; an error for a server on a Unix socket.
    public var tcpPort: Int {
        get throws {
            guard case .tcp(_, let port) = endpoint.address else { throw NoPort(url: url) }
            return port
        }
    }

    public struct NoPort: Error, Sendable {
        public let url: String
    }
}
