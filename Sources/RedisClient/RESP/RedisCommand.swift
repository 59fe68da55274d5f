import NIOCore

/// A command: its name and its arguments, sent with their lengths, so any text is safe in any place.
public struct RedisCommand: Sendable, Hashable {
    /// The name, then the arguments.
    public let arguments: [String]

    /// A command with its arguments, none of which needs quotes.
    public init(_ name: String, _ arguments: String...) {
        self.init(name, arguments)
    }

    /// A command with a list of arguments, none of which needs quotes.
    public init(_ name: String, _ arguments: [String]) {
        self.arguments = [name] + arguments
    }

    /// `GET`, `SET`, `EVAL` …
    public var name: String { arguments[0] }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeString("*\(arguments.count)\r\n")
        for argument in arguments {
            buffer.writeString("$\(argument.utf8.count)\r\n")
            buffer.writeString(argument)
            buffer.writeStaticString("\r\n")
        }
    }
}
