/// Where a PostgreSQL database is, and how one signs in there.
package struct PostgresEndpoint: Sendable, Hashable, CustomStringConvertible {
    package struct Host: Sendable, Hashable, CustomStringConvertible {
        /// A name, an address, or with a slash at its start the folder of a Unix socket.
        package let name: String
        package let port: Int

        package init(_ name: String, _ port: Int) {
            self.name = name
            self.port = port
        }

        package var isFolder: Bool { name.hasPrefix("/") }

        package var description: String {
            if isFolder { return name }
            return (name.contains(":") ? "[\(name)]" : name) + ":\(port)"
        }
    }

    /// In the order in which they are tried. Of several, the one that takes writes is used.
    package let hosts: [Host]
    /// Nil: the name of the system's user, as libpq has it.
    package let user: String?
    package var password: PostgresPassword?
    package let database: String
    package let tls: PostgresTLS

    package init(
        hosts: [Host], user: String?, password: PostgresPassword?, database: String, tls: PostgresTLS
    ) {
        self.hosts = hosts
        self.user = user
        self.password = password
        self.database = database
        self.tls = tls
    }

    /// For messages: host, port and database, and nothing of who signs in.
    package var description: String {
        hosts.map(\.description).joined(separator: ",") + "/" + database
    }

    /// The options of libpq. Those that decide how safe the connection is never come from its environment or
    /// from the home of the user.
    var options: [(name: String, value: String)] {
        // For a file that there is not. An empty text would mean: look into the home of the user.
        let none = "/nonexistent"
        var options = [
            ("host", hosts.map(\.name).joined(separator: ",")),
            ("port", hosts.map { String($0.port) }.joined(separator: ",")),
            ("dbname", database), ("application_name", "lab-server"), ("client_encoding", "UTF8"),
            ("passfile", none), ("sslmode", tls.mode.rawValue), ("gssencmode", "disable"),
            ("target_session_attrs", hosts.count > 1 ? "read-write" : "any"),
            ("sslcert", tls.certificate ?? none), ("sslkey", tls.key ?? none),
            ("sslrootcert", tls.authorities ?? none),
        ]
        if let user { options.append(("user", user)) }
        if let password { options.append(("password", password.revealed)) }
        return options
    }
}
