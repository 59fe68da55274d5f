/// The name of a strategy: the command-line flag, the metric label, and the row in results.
///
/// Small letters, digits and hyphens, at most 40; a letter comes first. So the name fits into a file name, a
/// metric label and a cell of CSV without quotes.
public struct StrategyID: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name as text.
    public let rawValue: String

    /// Nil unless the text is a name.
    public init?(rawValue: String) {
        let isName = rawValue.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isName, rawValue.first?.isLetter == true, rawValue.utf8.count <= 40 else { return nil }
        self.rawValue = rawValue
    }

    public var description: String { rawValue }
}

extension StrategyID: ExpressibleByStringLiteral {
    /// A literal in source code; stops the program unless it is a name.
    public init(stringLiteral text: StaticString) {
        guard let id = StrategyID(rawValue: "\(text)") else {
            preconditionFailure("a strategy cannot be called \(text): small letters, digits and hyphens")
        }
        self = id
    }
}
