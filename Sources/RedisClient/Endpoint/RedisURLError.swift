import Foundation

/// A Redis URL that cannot be used, and why. Never shows the password.
public struct RedisURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(url: String, problem: String) {
        description = "bad Redis URL \"\(RedactedURLs(url))\": \(problem)"
    }
}
