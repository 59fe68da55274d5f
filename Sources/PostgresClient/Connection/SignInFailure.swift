/// What libpq says of a connection that could not be made, as an error of ours.
///
/// libpq has no field for the code of such an error. It is the last word of a line when only codes are asked
/// for: `connection to server at "db" (10.0.0.1), port 5432 failed: FATAL:  28P01`.
enum SignInFailure {
    static func error(_ message: String, _ endpoint: PostgresEndpoint) -> PostgresError {
        let lines = message.split(whereSeparator: \.isNewline).map { trimmed($0) }.filter { !$0.isEmpty }
        if let state = lines.compactMap({ code(in: $0) }).last {
            return PostgresError(code(for: state), sentence(state, endpoint), sqlState: state)
        }
        // Of several hosts: this one may be a replica.
        if lines.contains(where: { $0.contains("session is read-only") }) {
            return PostgresError(
                .unreachable, "PostgreSQL at \(endpoint) takes no writes", sqlState: .readOnlyTransaction)
        }
        // Of several addresses the one is told that a setting can help.
        let line = lines.first { advice($0, endpoint) != nil } ?? lines.first ?? ""
        let remedy = advice(line, endpoint).map { "; \($0)" } ?? ""
        return PostgresError(
            .unreachable, "cannot connect to PostgreSQL at \(endpoint): \(reason(line))\(remedy)")
    }

    /// What to do about TLS that does not come about; nil for another reason.
    private static func advice(_ line: Substring, _ endpoint: PostgresEndpoint) -> String? {
        if line.contains("certificate verify failed") {
            let known = endpoint.tls.authorities ?? "the system"
            return "no authority of \(known) has signed the server's certificate, or it has ended: "
                + "name the right authority with ?sslrootcert=FILE, or renew the certificate"
        }
        if line.contains("does not match host name") {
            return "connect by a name that the certificate has, or check its authority alone with "
                + "?sslmode=verify-ca"
        }
        if line.contains("does not support SSL") {
            return "turn on ssl at the server, or use ?sslmode=disable where nobody else is on the way"
        }
        return nil
    }

    private static func code(in line: Substring) -> SQLState? {
        guard let match = line.firstMatch(of: /: +([0-9A-Z]{5})$/) else { return nil }
        return SQLState(String(match.1))
    }

    private static func code(for state: SQLState) -> PostgresError.Code {
        switch state {
        case .wrongPassword, .signInRefused, .noSuchDatabase, .noRight: .refusedSignIn
        // Starting, ending, or full: it may let us in a moment later.
        default: .unreachable
        }
    }

    private static func sentence(_ state: SQLState, _ endpoint: PostgresEndpoint) -> String {
        let user = endpoint.user.map { "the user \($0)" } ?? "the user"
        return switch state {
        case .wrongPassword:
            "PostgreSQL at \(endpoint) does not accept the password of \(user); check the password"
        case .signInRefused:
            "PostgreSQL at \(endpoint) does not let \(user) in; check the name of the user, and pg_hba.conf of the server"
        case .noSuchDatabase:
            "PostgreSQL at \(endpoint) has no database \(endpoint.database); create it with: createdb \(endpoint.database)"
        case .noRight:
            "PostgreSQL at \(endpoint) does not let \(user) into the database; grant CONNECT on it"
        case .tooManyConnections:
            "PostgreSQL at \(endpoint) has no free connection; raise its max_connections, or lower the number of servers"
        default: "PostgreSQL at \(endpoint) takes no connection now (SQLSTATE \(state))"
        }
    }

    /// Without the part that says again where.
    private static func reason(_ line: Substring) -> String {
        let words = line.firstRange(of: " failed: ").map { line[$0.upperBound...] } ?? line
        guard let first = words.first else { return "the connection ended too early" }
        // SSL stays as it is.
        let isWord = words.dropFirst().first?.isUppercase != true
        return (isWord ? first.lowercased() : String(first)) + words.dropFirst()
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { start[...$0] } ?? ""
    }
}
