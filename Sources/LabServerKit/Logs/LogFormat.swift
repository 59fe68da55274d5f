import InventoryService
import Logging

/// How a line of the log is written. No text from outside begins a line in either form.
enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object, for a program: JSON escapes line ends.
    case json
    /// For a person at a terminal. Control characters are escaped, so no text moves the cursor.
    case text

    func text(of line: LogLine) -> String {
        switch self {
        case .json: Self.json(line)
        case .text: Self.text(line)
        }
    }

    private static func json(_ line: LogLine) -> String {
        var members: [JSONTree.Member] = [
            .init(name: "time", value: .text(line.time.description)),
            .init(name: "level", value: .text(line.level.rawValue)),
            .init(name: "logger", value: .text(line.label)),
            .init(name: "message", value: .text(line.message)),
        ]
        let names = Set(members.map(\.name))
        for (name, value) in line.fields {
            members.append(
                .init(name: names.contains(name) ? "meta_\(name)" : name, value: .text(value.description)))
        }
        return JSONTree.object(members).json
    }

    private static func text(_ line: LogLine) -> String {
        let head = [line.time.description, line.level.rawValue, "\(line.label):", line.message]
        return (head + line.fields.map { "\($0.key)=\($0.value)" }).map(escaped).joined(separator: " ")
    }

    private static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case _ where isControl(scalar): escaped += "\\u{\(String(scalar.value, radix: 16))}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }

    /// C0, delete, C1, and the two separators that some terminals end a line at.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.value == 0x2028
            || scalar.value == 0x2029
    }
}
