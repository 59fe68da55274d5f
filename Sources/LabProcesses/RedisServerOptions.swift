/// What a `redis-server` of ours is started with.
public struct RedisServerOptions: Sendable, Hashable {
    public enum Listener: Sendable, Hashable {
        /// A free port of 127.0.0.1, or this one.
        case tcp(port: Int?)
        /// A socket named `redis.sock` in the server's directory.
        case unixSocket
    }

    /// What survives the death of the server.
    public enum Persistence: String, Sendable, Hashable, CaseIterable {
        /// Nothing.
        case none
        /// All but about the last second: append-only file, written to disk every second.
        case aofEverySecond = "aof-everysec"
        /// Everything that was acknowledged: append-only file, written to disk before each answer.
        case aofAlways = "aof-always"
    }

    public var listener: Listener
    public var persistence: Persistence
    /// Further arguments, as on the command line: `["--maxmemory", "10mb"]`.
    public var arguments: [String]
    /// From the start to the answer to PING.
    public var startLimit: Duration
    /// From SIGTERM to SIGKILL.
    public var stopLimit: Duration

    public init(
        listener: Listener = .tcp(port: nil), persistence: Persistence = .none, arguments: [String] = [],
        startLimit: Duration = .seconds(10), stopLimit: Duration = .seconds(5)
    ) {
        self.listener = listener
        self.persistence = persistence
        self.arguments = arguments
        self.startLimit = startLimit
        self.stopLimit = stopLimit
    }

    /// The command line of the server.
    func commandLine(directory: String, port: Int) -> [String] {
        var line = ["--dir", directory, "--daemonize", "no", "--save", "", "--loglevel", "notice"]
        switch listener {
        case .tcp: line += ["--bind", "127.0.0.1", "--port", String(port)]
        case .unixSocket:
            line += ["--port", "0", "--unixsocket", "\(directory)/redis.sock", "--unixsocketperm", "700"]
        }
        switch persistence {
        case .none: line += ["--appendonly", "no"]
        case .aofEverySecond: line += ["--appendonly", "yes", "--appendfsync", "everysec"]
        case .aofAlways: line += ["--appendonly", "yes", "--appendfsync", "always"]
        }
        return line + arguments
    }
}
