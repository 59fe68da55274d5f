/// What the server says about one purchase in its `Server-Timing` header.
package struct ServerTiming: Sendable, Equatable {
    /// For the lock, in microseconds.
    package var waitMicroseconds: UInt64?
    /// With the lock, in microseconds.
    package var holdMicroseconds: UInt64?
    package var redisMicroseconds: UInt64?
    package var sqlMicroseconds: UInt64?
    package var attempts: UInt64?
    package var commands: UInt64?

    package init() {}

    /// Reads `wait;dur=0.12, hold;dur=1.5, attempts;desc="3"`; skips what it does not know.
    package init(parsing text: String) {
        for entry in text.utf8.split(separator: UInt8(ascii: ",")) {
            let parts = entry.split(separator: UInt8(ascii: ";"))
            guard parts.count > 1 else { continue }
            let name = Self.trim(parts[0])
            for parameter in parts.dropFirst() {
                guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { continue }
                let key = Self.trim(parameter[..<equals])
                take(name, key, Self.trim(parameter[parameter.index(after: equals)...]))
            }
        }
    }

    private mutating func take(
        _ name: Substring.UTF8View, _ key: Substring.UTF8View, _ value: Substring.UTF8View
    ) {
        if key.elementsEqual("dur".utf8) {
            let duration = Self.microseconds(value)
            if name.elementsEqual("wait".utf8) {
                waitMicroseconds = duration
            } else if name.elementsEqual("hold".utf8) {
                holdMicroseconds = duration
            } else if name.elementsEqual("redis".utf8) {
                redisMicroseconds = duration
            } else if name.elementsEqual("sql".utf8) {
                sqlMicroseconds = duration
            }
        } else if key.elementsEqual("desc".utf8) {
            let number = UInt64(Substring(value).filter { $0 != "\"" })
            if name.elementsEqual("attempts".utf8) {
                attempts = number
            } else if name.elementsEqual("commands".utf8) {
                commands = number
            }
        }
    }

    private static func trim(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var text = text
        while text.first == UInt8(ascii: " ") { text.removeFirst() }
        while text.last == UInt8(ascii: " ") { text.removeLast() }
        return text
    }

    /// Milliseconds as a decimal number, in whole microseconds.
    private static func microseconds(_ text: Substring.UTF8View) -> UInt64? {
        guard let milliseconds = Double(Substring(text)), milliseconds >= 0, milliseconds < 1e12 else {
            return nil
        }
        return UInt64((milliseconds * 1000).rounded())
    }
}
