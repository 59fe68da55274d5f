import Foundation

/// Where the lines of the log go.
enum LogOutput: String, Sendable, CaseIterable {
    case standardError = "stderr"
    /// As a container's log collector reads it: nothing else is written there then.
    case standardOutput = "stdout"

    /// Writes at once: no line waits in a buffer for the next one.
    func write(_ line: String) {
        let file: FileHandle = self == .standardOutput ? .standardOutput : .standardError
        file.write(Data(line.utf8))
    }
}
