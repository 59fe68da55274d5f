/// How a ``PostgresServerProcess`` runs.
package struct PostgresServerOptions: Sendable, Hashable {
    /// TLS for connections over TCP: files of PEM, of which the server gets copies, because it may run as
    /// another user.
    package struct Encryption: Sendable, Hashable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }

        /// Names in the folder of the server.
        static let copies = Encryption(certificate: "server.pem", key: "server.key")
    }

    /// Whether a commit waits for the disk. Without it a death of the server loses nothing, a power cut does.
    package var syncsToDisk: Bool
    package var encryption: Encryption?
    /// Connections that it takes at the same time.
    package var connections: Int
    /// Further settings, as `name=value`.
    package var settings: [String]
    package var startLimit: Duration

    package init(
        syncsToDisk: Bool = true, encryption: Encryption? = nil, connections: Int = 60,
        settings: [String] = [], startLimit: Duration = .seconds(60)
    ) {
        self.syncsToDisk = syncsToDisk
        self.encryption = encryption
        self.connections = connections
        self.settings = settings
        self.startLimit = startLimit
    }

    /// The command line of the server.
    func commandLine(directory: String, port: Int) -> [String] {
        var all = [
            "listen_addresses=127.0.0.1", "port=\(port)", "unix_socket_directories=\(directory)",
            "max_connections=\(connections)", "fsync=\(syncsToDisk ? "on" : "off")",
            "full_page_writes=\(syncsToDisk ? "on" : "off")", "logging_collector=off", "lc_messages=C",
        ]
        if encryption != nil {
            let (certificate, key) = (Encryption.copies.certificate, Encryption.copies.key)
            all += [
                "ssl=on", "ssl_cert_file=\(directory)/\(certificate)", "ssl_key_file=\(directory)/\(key)",
            ]
        }
        return ["-D", "\(directory)/data"] + (all + settings).flatMap { ["-c", $0] }
    }
}
