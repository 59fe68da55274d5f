import Foundation

/// A URL that may name several hosts, taken apart; nothing in it is judged yet.
struct RedisURL {
    let scheme: String
    let user: String?
    let password: Secret?
    let path: String
    let query: [String: String]
    private let text: String
    /// As written, with port.
    private let hostTexts: [Substring]

    init(_ text: String) throws(RedisURLError) {
        // URLComponents knows one host: it gets a placeholder, and the hosts are read in `hosts`.
        guard let start = text.range(of: "://")?.upperBound else {
            throw RedisURLError(
                url: text,
                problem: text.isEmpty ? "it is not a URL" : "the scheme is missing; write redis:// before it")
        }
        let end = text[start...].firstIndex { "/?#".contains($0) } ?? text.endIndex
        let authority = text[start..<end]
        guard authority.isEmpty || !Self.hasUserBehind(text[end...], authority.contains("@")) else {
            throw RedisURLError(
                url: text,
                problem:
                    "what stands before the @ holds a character that ends it; write %2F for /, %3F for ?, "
                    + "%23 for # and %25 for %")
        }
        let hosts = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        let list = hosts.split(separator: ",", omittingEmptySubsequences: false)
        let single = String(text[..<hosts.startIndex]) + (hosts.isEmpty ? "" : "host") + String(text[end...])
        guard let parts = URLComponents(string: single), let scheme = parts.scheme?.lowercased() else {
            throw RedisURLError(url: text, problem: "it is not a URL")
        }
        self.text = text
        self.scheme = scheme
        hostTexts = list
        user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        password = parts.password.map { Secret($0) }
        path = parts.path
        query = Dictionary(
            (parts.queryItems ?? []).map { ($0.name, $0.value ?? "") },
            uniquingKeysWith: { first, _ in first })
    }

    /// Options whose value may hold an @ sign.
    private static let options: Set<Substring> = [
        "ca", "cert", "key", "server-name", "database", "sentinel-password",
    ]

    /// An @ sign that is not in the value of an option: then a user or a password was cut in two, and what
    /// would be read as the host is a part of it.
    ///
    /// - Parameter hasUser: There is one @ sign before `rest`.
    private static func hasUserBehind(_ rest: Substring, _ hasUser: Bool) -> Bool {
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.first?.contains("@") == true { return true }
        return !hasUser
            && parts.dropFirst().joined().split(separator: "&").contains { option in
                option.contains("@")
                    && (!options.contains(option.prefix { $0 != "=" }) || option.contains("#"))
            }
    }

    func problem(_ sentence: String) -> RedisURLError {
        RedisURLError(url: text, problem: sentence)
    }

    func allow(_ names: [String]) throws(RedisURLError) {
        guard let other = query.keys.sorted().first(where: { !names.contains($0) }) else { return }
        let known = names.isEmpty ? "none is known" : "known are \(names.joined(separator: ", "))"
        throw problem("\(other)= means nothing with \(scheme)://; \(known)")
    }

    func hosts(defaultPort: Int) throws(RedisURLError) -> [RedisHost] {
        var hosts: [RedisHost] = []
        for text in hostTexts {
            guard let parts = URLComponents(string: "redis://\(text)"), let host = parts.host, !host.isEmpty
            else {
                throw problem(
                    text.isEmpty || text.hasPrefix(":")
                        ? "the host is missing" : "\(RedactedURLs(String(text))) is not host:port")
            }
            let port = parts.port ?? defaultPort
            guard (1...65_535).contains(port) else {
                throw problem("port \(port) is not between 1 and 65535")
            }
            hosts.append(RedisHost(host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port))
        }
        return hosts
    }
}
