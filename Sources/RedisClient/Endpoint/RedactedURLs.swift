import Foundation

/// A list of Redis URLs as a person typed it, without what may be a password: for messages and listings.
///
/// Reads no URL: it is for texts that are wrong, too. Left out are all that stands between `://` and the last
/// @ sign before the next `://`, the value of `sentinel-password`, and what stands in the place of a port and
/// is no number.
public struct RedactedURLs: Sendable, CustomStringConvertible {
    public let description: String

    /// - Parameter text: As it was typed.
    public init(_ text: String) {
        var parts = text.components(separatedBy: "://")
        // The text before the first "://" is a scheme, where there is one.
        for index in parts.indices.dropFirst(parts.count > 1 ? 1 : 0) {
            if let at = parts[index].lastIndex(of: "@") {
                parts[index] = "…" + parts[index][at...]
            } else {
                parts[index] = Self.withoutWordsForPorts(parts[index])
            }
            parts[index] = Self.withoutSentinelPassword(parts[index])
        }
        description = parts.joined(separator: "://")
    }

    /// `ann:secret`, where somebody forgot the host.
    private static func withoutWordsForPorts(_ text: String) -> String {
        let end = text.firstIndex { "/?#".contains($0) } ?? text.endIndex
        let hosts = text[..<end].split(separator: ",", omittingEmptySubsequences: false).map { host in
            guard !host.hasPrefix("["), let colon = host.firstIndex(of: ":"),
                !host[colon...].dropFirst().allSatisfy(\.isNumber)
            else { return String(host) }
            return host[...colon] + "…"
        }
        return hosts.joined(separator: ",") + text[end...]
    }

    private static func withoutSentinelPassword(_ text: String) -> String {
        guard let name = text.range(of: "sentinel-password=") else { return text }
        let value = text[name.upperBound...]
        // A query goes on with its next option, a list with the scheme of its next URL.
        let end = value.firstIndex(of: "&") ?? value.range(of: ",redis", options: .backwards)?.lowerBound
        return text[..<name.upperBound] + "…" + value[(end ?? value.endIndex)...]
    }
}
