import LabProcesses

/// Where the lines of the log go.
enum LogOutput: String, Sendable, CaseIterable {
    case standardError = "stderr"
    /// As a container's log collector reads it: nothing else is written there then.
    case standardOutput = "stdout"

    var stream: StandardStream { self == .standardOutput ? .output : .error }
}
