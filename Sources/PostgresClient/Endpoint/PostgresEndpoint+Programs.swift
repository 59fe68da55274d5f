extension PostgresEndpoint {
    /// What PostgreSQL's own programs read to find this database, without the password: names and values of
    /// their environment.
    package var programEnvironment: [String: String] {
        let names = [
            "host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER",
            "sslmode": "PGSSLMODE",
            "gssencmode": "PGGSSENCMODE", "target_session_attrs": "PGTARGETSESSIONATTRS",
            "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "sslrootcert": "PGSSLROOTCERT",
            "client_encoding": "PGCLIENTENCODING", "passfile": "PGPASSFILE",
        ]
        return options.reduce(into: [:]) { environment, option in
            if let name = names[option.name] { environment[name] = option.value }
        }
    }

    /// The database as a word of a command line, where its name alone could be read as something else.
    package var databaseWord: String {
        let quoted = database.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
        return "dbname='\(quoted)'"
    }

    /// The one line of a password file; nil without a password.
    ///
    /// - Throws: ``PostgresURLError`` for a password that such a file cannot hold.
    package var passwordLine: String? {
        get throws(PostgresURLError) {
            guard let password else { return nil }
            guard !password.revealed.contains(where: \.isNewline) else {
                throw PostgresURLError("the password has a line end, and pg_dump cannot be given such a one")
            }
            let escaped = password.revealed.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
            return "*:*:*:*:\(escaped)\n"
        }
    }
}
