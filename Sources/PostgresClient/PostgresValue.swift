/// A parameter of a statement. Its type is what the statement makes of it, as in `$1::bigint`.
package enum PostgresValue: Sendable, Hashable {
    case null
    case text(String)
    case integer(Int64)
    case flag(Bool)
    case texts([String?])
    case integers([Int64?])

    package init(_ text: String?) { self = text.map { .text($0) } ?? .null }

    package init(_ number: Int64?) { self = number.map { .integer($0) } ?? .null }

    package init(_ number: Int) { self = .integer(Int64(number)) }

    /// It goes over as a C string, which ends at U+0000.
    var isWhole: Bool {
        switch self {
        case .text(let text): !text.utf8.contains(0)
        case .texts(let texts): texts.allSatisfy { $0?.utf8.contains(0) != true }
        case .null, .integer, .flag, .integers: true
        }
    }

    /// As PostgreSQL reads it; nil is NULL.
    var encoded: String? {
        switch self {
        case .null: nil
        case .text(let text): text
        case .integer(let number): String(number)
        case .flag(let flag): flag ? "t" : "f"
        case .texts(let texts): Self.array(texts.map { $0.map(Self.quoted) })
        case .integers(let numbers): Self.array(numbers.map { $0.map { String($0) } })
        }
    }

    private static func array(_ elements: [String?]) -> String {
        "{" + elements.map { $0 ?? "NULL" }.joined(separator: ",") + "}"
    }

    private static func quoted(_ text: String) -> String {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        quoted.reserveCapacity(text.utf8.count + 2)
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { quoted.append(UInt8(ascii: "\\")) }
            quoted.append(byte)
        }
        quoted.append(UInt8(ascii: "\""))
        return String(decoding: quoted, as: UTF8.self)
    }
}
