import Foundation

extension PostgresEndpoint {
    /// Whether a text is meant for this.
    package static func isURL(_ text: String) -> Bool {
        text.hasPrefix("postgres:") || text.hasPrefix("postgresql:")
    }

    /// Reads `postgres://[user[:password]@]host[:port][,host[:port]…]/database[?option=value&…]`, where the
    /// scheme may also be `postgresql`. Characters with a meaning are written as `%` and two digits.
    ///
    /// Options: `sslmode`, `sslrootcert`, `sslcert`, `sslkey` as libpq has them; `host` for the folder of a
    /// Unix socket; `target_session_attrs=read-write`, which is what several hosts mean anyway. Without
    /// `sslmode` a server of another machine must show a certificate for its name.
    ///
    /// Files that the URL names are read once, to see that they can be.
    package init(parsing text: String) throws(PostgresURLError) {
        guard let scheme = text.range(of: "://"), Self.isURL(text) else {
            throw PostgresURLError("it must begin with postgres://")
        }
        var rest = text[scheme.upperBound...]
        let query = rest.firstIndex(of: "?").map { rest[rest.index(after: $0)...] } ?? ""
        rest = rest.prefix { $0 != "?" }
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count + 1)
        guard !path.contains("/"), !path.contains("@"), !rest.contains("#") else {
            throw PostgresURLError(
                "a user, a password or a database with / ? # @ or % needs %2F, %3F, %23, %40 or %25 for it")
        }
        let at = authority.lastIndex(of: "@")
        let signIn = at.map { authority[..<$0] } ?? ""
        let hosts = at.map { authority[authority.index(after: $0)...] } ?? authority

        let options = try Self.options(query)
        let user = signIn.prefix { $0 != ":" }
        let password = signIn.dropFirst(user.count + 1)
        self.user = user.isEmpty ? nil : try Self.decoded(user, "the user")
        self.password =
            password.isEmpty ? nil : PostgresPassword(try Self.decoded(password, "the password"))
        database = try Self.decoded(path, "the database")
        guard !database.isEmpty else {
            throw PostgresURLError("the name of the database is missing: postgres://host/NAME")
        }
        self.hosts = try Self.hosts(hosts, folder: options["host"])
        needsWrites = self.hosts.count > 1
        tls = try Self.tls(options, for: self.hosts)
        let all = [self.user, self.password?.revealed, database] + self.hosts.map(\.name)
        guard all.allSatisfy({ $0?.contains("\0") != true }) else {
            throw PostgresURLError("it holds the character U+0000")
        }
    }

    private static let optionNames = [
        "host", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs",
    ]

    private static func options(_ query: Substring) throws(PostgresURLError) -> [String: String] {
        var options: [String: String] = [:]
        for part in query.split(separator: "&") {
            let name = String(part.prefix { $0 != "=" })
            guard optionNames.contains(name) else {
                throw PostgresURLError(
                    "the option \(name) is not known; known are: \(optionNames.joined(separator: ", "))")
            }
            options[name] = try decoded(part.dropFirst(name.count + 1), "the option \(name)")
        }
        if let wanted = options["target_session_attrs"], wanted != "read-write" {
            throw PostgresURLError(
                "target_session_attrs is \(wanted); use read-write, or leave it out: the ledger needs a server "
                    + "that takes writes")
        }
        return options
    }

    private static func decoded(_ text: Substring, _ what: String) throws(PostgresURLError) -> String {
        guard let decoded = String(text).removingPercentEncoding else {
            throw PostgresURLError("\(what) has a % without two digits; write %25 for %")
        }
        return decoded
    }

    private static func hosts(
        _ text: Substring, folder: String?
    ) throws(PostgresURLError) -> [Host] {
        if let folder {
            guard text.isEmpty, folder.hasPrefix("/"), !folder.contains(",") else {
                throw PostgresURLError(
                    "host= names the folder of a Unix socket, and no host stands before it: "
                        + "postgres:///NAME?host=/run/postgresql")
            }
            return [Host(folder, standardPort)]
        }
        var hosts: [Host] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            hosts.append(try host(part))
        }
        return hosts
    }

    private static let standardPort = 5432

    private static func host(_ text: Substring) throws(PostgresURLError) -> Host {
        var name = text.prefix { $0 != ":" }
        var rest = text.dropFirst(name.count)
        if text.hasPrefix("[") {
            name = text.dropFirst().prefix { $0 != "]" }
            rest = text.dropFirst(name.count + 2)
        }
        guard !name.isEmpty else { throw PostgresURLError("the host is missing: postgres://HOST/name") }
        if rest.isEmpty { return Host(String(name), standardPort) }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), (1...65_535).contains(port) else {
            // What stands there may be a password whose host was forgotten.
            throw PostgresURLError("the port of host \(name) is no number from 1 to 65535")
        }
        return Host(String(name), port)
    }

    private static func tls(
        _ options: [String: String], for hosts: [Host]
    ) throws(PostgresURLError) -> PostgresTLS {
        let isNear = hosts.allSatisfy { $0.isFolder || isLoopback($0.name) }
        var mode = isNear ? PostgresTLS.Mode.prefer : .verifyName
        if let text = options["sslmode"] {
            guard let named = PostgresTLS.Mode(rawValue: text), isNear || named != .prefer else {
                let known = PostgresTLS.Mode.allCases.filter { $0 != .prefer }.map(\.rawValue)
                throw PostgresURLError("sslmode is \(text); use one of: \(known.joined(separator: ", "))")
            }
            mode = named
        }
        var tls = PostgresTLS(
            mode, authorities: options["sslrootcert"], certificate: options["sslcert"],
            key: options["sslkey"])
        for name in ["sslrootcert", "sslcert", "sslkey"] {
            guard let path = options[name] else { continue }
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw PostgresURLError("\(name) names \(path), which cannot be read")
            }
        }
        if mode.checksCertificate, tls.authorities == nil {
            tls.authorities = PostgresTLS.authoritiesOfSystem
        }
        return tls
    }

    /// `localhost`, 127.0.0.0/8 and ::1, however they are written.
    static func isLoopback(_ host: String) -> Bool {
        if host.lowercased() == "localhost" { return true }
        var four = in_addr()
        if unsafe inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, host, &six) == 1 else { return false }
        let bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
}
