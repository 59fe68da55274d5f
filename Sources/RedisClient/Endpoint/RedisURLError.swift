import Foundation

/// A Redis URL that cannot be used, and why. Never shows the password.
public struct RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(url: String, problem: String) {
        description = "bad Redis URL \"\(Self.shown(url))\": \(problem)"
    }

    /// What stands before the last @ may hold a password, and so may the query.
    private static func shown(_ url: String) -> String {
        let open = url.lastIndex(of: "@").map { "…" + url[$0...] } ?? url
        guard let name = open.range(of: "sentinel-password=") else { return open }
        let rest = open[name.upperBound...]
        return open[..<name.upperBound] + "…" + rest[(rest.firstIndex(of: "&") ?? rest.endIndex)...]
    }
}
