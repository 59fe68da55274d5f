/// The name of a check that failed, and what that means; in results.json `correctness:rows-are-sold`.
package struct FailedCheck: Sendable, Hashable, Codable {
    package let kind: Check.Kind
    package let id: String

    package init(kind: Check.Kind, id: String) {
        (self.kind, self.id) = (kind, id)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let kind = Check.Kind(rawValue: parts[0]) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "no name of a check: \(text)")
        }
        self.init(kind: kind, id: parts[1])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(kind.rawValue):\(id)")
    }
}
