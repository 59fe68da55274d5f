/// A process that could not be started, or did not become ready.
public struct LabProcessError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// There is no such executable.
        case executableMissing = "executable-missing"
        /// The operating system refused to start the process.
        case startFailed = "start-failed"
        /// The process ended before it was ready; see `output`.
        case endedEarly = "ended-early"
        /// The process runs, but was not ready within the limit.
        case notReady = "not-ready"
        /// No free port, or no directory, could be had.
        case noResource = "no-resource"
    }

    public let code: Code
    /// A sentence for the person who reads the terminal.
    public let context: String
    /// The last lines that the process wrote.
    public let output: [String]
    public let file: String
    public let line: Int

    public init(
        _ code: Code, _ context: String, output: [String] = [],
        file: String = #fileID, line: Int = #line
    ) {
        self.code = code
        self.context = context
        self.output = output
        self.file = file
        self.line = line
    }

    /// The sentence, then the last thing that the process itself said.
    public var description: String {
        let said = output.last { !$0.allSatisfy(\.isWhitespace) }
        return said.map { "\(context): \($0)" } ?? context
    }

    public static func == (left: LabProcessError, right: LabProcessError) -> Bool {
        left.code == right.code && left.context == right.context && left.output == right.output
    }
}
