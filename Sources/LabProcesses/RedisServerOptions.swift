public import RedisClient

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

    /// Files for a server that speaks TLS, and how we speak to it.
    public struct Encryption: Sendable, Hashable {
        /// PEM files of the server.
        public var certificate: String
        public var key: String
        /// PEM file of the authority that signs the clients' certificates.
        public var authority: String
        public var demandsClientCertificate: Bool
        /// With what we connect.
        public var client: RedisTLS

        public init(
            certificate: String, key: String, authority: String, demandsClientCertificate: Bool = false,
            client: RedisTLS
        ) {
            self.certificate = certificate
            self.key = key
            self.authority = authority
            self.demandsClientCertificate = demandsClientCertificate
            self.client = client
        }
    }

    public var listener: Listener
    /// TLS only, where it is set; for a TCP listener.
    public var encryption: Encryption?
    /// Password of the default user.
    public var password: Secret?
    public var persistence: Persistence
    /// Further arguments, as on the command line: `["--maxmemory", "10mb"]`.
    public var arguments: [String]
    /// Variables of its environment, beside those of this process.
    public var variables: [String: String]
    /// From the start to the answer to PING.
    public var startLimit: Duration
    /// From SIGTERM to SIGKILL.
    public var stopLimit: Duration

    public init(
        listener: Listener = .tcp(port: nil), encryption: Encryption? = nil, password: Secret? = nil,
        persistence: Persistence = .none, arguments: [String] = [], variables: [String: String] = [:],
        startLimit: Duration = .seconds(60), stopLimit: Duration = .seconds(5)
    ) {
        self.listener = listener
        self.encryption = encryption
        self.password = password
        self.persistence = persistence
        self.arguments = arguments
        self.variables = variables
        self.startLimit = startLimit
        self.stopLimit = stopLimit
    }

    /// The command line of the server.
    func commandLine(directory: String, port: Int) -> [String] {
        var line = ["--dir", directory, "--daemonize", "no", "--save", "", "--loglevel", "notice"]
        switch listener {
        case .tcp: line += ["--bind", "127.0.0.1"] + portArguments(port)
        case .unixSocket:
            line += ["--port", "0", "--unixsocket", "\(directory)/redis.sock", "--unixsocketperm", "700"]
        }
        switch persistence {
        case .none: line += ["--appendonly", "no"]
        case .aofEverySecond: line += ["--appendonly", "yes", "--appendfsync", "everysec"]
        case .aofAlways: line += ["--appendonly", "yes", "--appendfsync", "always"]
        }
        if let password { line += ["--requirepass", password.revealed] }
        return line + arguments
    }

    private func portArguments(_ port: Int) -> [String] {
        guard let encryption else { return ["--port", String(port)] }
        return [
            "--port", "0", "--tls-port", String(port), "--tls-cert-file", encryption.certificate,
            "--tls-key-file", encryption.key, "--tls-ca-cert-file", encryption.authority,
            "--tls-auth-clients", encryption.demandsClientCertificate ? "yes" : "no",
        ]
    }
}
