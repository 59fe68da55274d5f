/// The run cannot go on, and why, in one sentence.
package struct BenchError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The server or Redis cannot be reached or started.
        case unreachable
        /// The server answered in a way that makes a measurement impossible.
        case unexpectedAnswer = "unexpected-answer"
        /// A file that was named cannot be used.
        case badInput = "bad-input"
        /// Results cannot be written.
        case outputFailed = "output-failed"
    }

    package let code: Code
    package let context: String
    package let file: String
    package let line: Int

    package init(_ code: Code, _ context: String, file: String = #fileID, line: Int = #line) {
        self.code = code
        self.context = context
        self.file = file
        self.line = line
    }

    package var description: String { context }

    /// The exit code of `lab-bench` when the run ends with this error.
    package var exitCode: BenchExit {
        switch code {
        case .unreachable: .unreachable
        case .unexpectedAnswer: .invalid
        case .outputFailed, .badInput: .usage
        }
    }
}
