/// What a driver did that the protocol does not allow, or that it could not be started.
package struct DriverError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The command names no program, or it cannot be started.
        case notStarted = "not-started"
        /// No hello came in time.
        case noHello = "no-hello"
        /// It ended, or closed a stream, while it was needed.
        case gone
        /// A line that the protocol does not know.
        case wrongLine = "wrong-line"
        /// A request has no answer in time.
        case unanswered
        /// It did not end when it was asked to, or not with 0.
        case wrongEnd = "wrong-end"
        /// The protocol is kept, and the lock is none.
        case wrongLock = "wrong-lock"
        /// The caller's task was cancelled.
        case interrupted
    }

    package let code: Code
    /// One sentence for the author of the driver.
    package let description: String

    package init(_ code: Code, _ sentence: String) {
        self.code = code
        description = sentence
    }
}

extension DriverError {
    /// A text of a driver as it can stand in a sentence: one line, not too long.
    static func quoted(_ bytes: some Sequence<UInt8>) -> String {
        let text = String(decoding: Array(bytes.prefix(241)), as: UTF8.self)
        let line = text.map { $0.isNewline || $0 == "\t" ? " " : $0 }.filter { $0 >= " " }
        return line.count > 80 ? "\(String(line.prefix(80)))…" : String(line)
    }

    /// As people write a time: `10 s`, `300 ms`.
    static func time(_ duration: Duration) -> String {
        let milliseconds = Int64(duration / .milliseconds(1))
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
