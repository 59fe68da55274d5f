/// A Redis command that did not end with a usable reply.
public struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is, and so whether the command may have been applied.
    public enum Code: String, Sendable, CaseIterable {
        /// No connection: the command was never sent and was not applied.
        case unavailable
        /// The time limit passed before the command was sent: it was not applied.
        case timedOut = "timed-out"
        /// The command was sent and its reply never seen: it may have been applied.
        case outcomeUnknown = "outcome-unknown"
        /// The caller's task was cancelled. If the command had been sent, it may have been applied.
        case cancelled
        /// The server answered with an error; see `reply`.
        case refused
        /// The server sent bytes that are not the protocol; the connection was closed. A command that
        /// waited for its reply may have been applied.
        case protocolViolation = "protocol-violation"

        /// Commands of a call that was one command.
        fileprivate var usuallySent: Int {
            switch self {
            case .unavailable, .timedOut, .cancelled: 0
            case .outcomeUnknown, .refused, .protocolViolation: 1
            }
        }
    }

    private struct Facts: Sendable, Equatable {
        let code: Code
        let context: String
        let reply: RedisServerError?
        var commandsSent: Int
        let file: String
        let line: Int
        var isOfLostConnection = false
    }

    /// On the heap, so that an asynchronous call has room for a reference only, whatever it may fail with.
    private final class Box: Sendable {
        let facts: Facts

        init(_ facts: Facts) {
            self.facts = facts
        }
    }

    private var box: Box
    private var facts: Facts {
        get { box.facts }
        set { box = Box(newValue) }
    }

    /// What kind of failure it is.
    public var code: Code { facts.code }
    /// A sentence for the person who reads the log.
    public var context: String { facts.context }
    /// The server's own words, with `.refused`.
    public var reply: RedisServerError? { facts.reply }
    /// Commands of the call that were sent before it failed, as far as the client knows. Not what it sends
    /// for itself: to connect, or again after a lost connection or a redirection.
    public package(set) var commandsSent: Int {
        get { facts.commandsSent }
        set { facts.commandsSent = newValue }
    }
    /// The source file that made it.
    public var file: String { facts.file }
    /// The line in ``file``.
    public var line: Int { facts.line }
    /// The connection ended, or could not be made, before the call had waited its time.
    var isOfLostConnection: Bool {
        get { facts.isOfLostConnection }
        set { facts.isOfLostConnection = newValue }
    }

    /// - Parameters:
    ///   - code: What kind of failure it is.
    ///   - context: A sentence for the person who reads the log.
    ///   - reply: The server's own words, with `.refused`.
    ///   - commandsSent: Nil: what the code says; a call that was cancelled is taken for not sent.
    ///   - file: The source file that makes the error.
    ///   - line: The line in it.
    public init(
        _ code: Code, _ context: String, reply: RedisServerError? = nil, commandsSent: Int? = nil,
        file: String = #fileID, line: Int = #line
    ) {
        box = Box(
            Facts(
                code: code, context: context, reply: reply, commandsSent: commandsSent ?? code.usuallySent,
                file: file, line: line))
    }

    public static func == (one: RedisError, other: RedisError) -> Bool { one.facts == other.facts }

    public var description: String {
        "\(code.rawValue): \(context)"
    }

    /// The same error of a call whose connection ended, or could not be made, before its time was over.
    var ofLostConnection: RedisError {
        var error = self
        error.isOfLostConnection = true
        return error
    }

    /// The same error of a call that had sent commands before those that failed.
    package func after(sending commands: Int) -> RedisError {
        var error = self
        error.commandsSent += commands
        return error
    }

    /// The same error of a call that sends so many commands in one piece: all of them were sent, or none.
    package func ofPiece(of commands: Int) -> RedisError {
        var error = self
        error.commandsSent = commandsSent > 0 ? commands : 0
        return error
    }

    static let clientClosed = RedisError(.unavailable, "the client was closed")

    static func refused(_ reply: RedisServerError) -> RedisError {
        RedisError(.refused, "Redis refused the command: \(reply.message)", reply: reply)
    }
}

/// An error reply, split as Redis writes it: a code in capitals, then a sentence.
public struct RedisServerError: Error, Sendable, Hashable {
    /// The reply's whole text: the code, then the sentence.
    public let message: String

    /// - Parameter message: The reply's whole text.
    public init(message: String) {
        self.message = message
    }

    /// The first word: `NOSCRIPT`, `OOM`, `READONLY`, `WRONGTYPE`, `ERR`, ...
    public var prefix: String {
        String(message.prefix { $0 != " " })
    }

    /// Said by a server that follows another one: it takes no writes, or lost its master.
    var isOfReplica: Bool { ["READONLY", "MASTERDOWN"].contains(prefix) }
}
