/// The name of a check that failed, and what that means; in results.json `correctness:rows-are-sold`.
struct FailedCheck: Sendable, Hashable, Codable {
    let kind: Check.Kind
    let id: String

    init(kind: Check.Kind, id: String) {
        (self.kind, self.id) = (kind, id)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let kind = Check.Kind(rawValue: parts[0]) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "no name of a check: \(text)")
        }
        self.init(kind: kind, id: parts[1])
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(kind.rawValue):\(id)")
    }
}
