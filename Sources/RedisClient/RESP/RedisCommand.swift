import NIOCore

/// A command: its name and its arguments, sent with their lengths, so any text is safe in any place.
public struct RedisCommand: Sendable, Hashable {
    public let arguments: [String]

    public init(_ name: String, _ arguments: String...) {
        self.init(name, arguments)
    }

    public init(_ name: String, _ arguments: [String]) {
        self.arguments = [name] + arguments
    }

    public var name: String { arguments[0] }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeLength("*", arguments.count)
        for argument in arguments {
            buffer.writeLength("$", argument.utf8.count)
            buffer.writeString(argument)
            buffer.writeStaticString("\r\n")
        }
    }
}

extension ByteBuffer {
    /// A line of a kind of value and a number. Digit by digit: a text made for each length took most of the time
    /// of a command.
    fileprivate mutating func writeLength(_ kind: StaticString, _ number: Int) {
        writeStaticString(kind)
        writeDigits(of: number)
        writeStaticString("\r\n")
    }

    private mutating func writeDigits(of number: Int) {
        if number >= 10 { writeDigits(of: number / 10) }
        writeInteger(0x30 + UInt8(number % 10))
    }
}
