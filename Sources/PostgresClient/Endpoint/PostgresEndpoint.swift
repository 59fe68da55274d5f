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

    /// In the order in which they are tried. Of several, the first one that takes writes is used.
    package let hosts: [Host]
    /// Nil: the name of the system's user, as libpq has it.
    package let user: String?
    package var password: PostgresPassword?
    package let database: String
    package let tls: PostgresTLS
    /// A server that takes no writes is passed over.
    var needsWrites: Bool

    package init(
        hosts: [Host], user: String?, password: PostgresPassword?, database: String, tls: PostgresTLS
    ) {
        self.hosts = hosts
        self.user = user
        self.password = password
        self.database = database
        self.tls = tls
        needsWrites = hosts.count > 1
    }

    /// One for each host, in the order in which they are tried.
    ///
    /// - Parameter first: The host to be tried first.
    func alone(first: Host?) -> [PostgresEndpoint] {
        let ordered = hosts.filter { $0 == first } + hosts.filter { $0 != first }
        return ordered.map { host in
            var one = PostgresEndpoint(
                hosts: [host], user: user, password: password, database: database, tls: tls)
            one.needsWrites = needsWrites
            return one
        }
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
            ("target_session_attrs", needsWrites ? "read-write" : "any"),
            ("sslcert", tls.certificate ?? none), ("sslkey", tls.key ?? none),
            ("sslrootcert", tls.authorities ?? none),
        ]
        if let user { options.append(("user", user)) }
        if let password { options.append(("password", password.revealed)) }
        return options
    }
}
