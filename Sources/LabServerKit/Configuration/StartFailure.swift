import LabProcesses

/// Why the server did not start: one sentence that says what to do, and an exit code.
struct StartFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Exit codes of sysexits.h, and 6 for Redis (its first digit) as in lab-bench.
    enum Code: Int32, Sendable, CaseIterable {
        case redisUnreachable = 6
        case usage = 64
        case certificateUnusable = 66
        case addressInUse = 69
        case databaseUnusable = 73
        case outputFailed = 74
        case unsafeSecret = 78
    }

    let code: Code
    let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// Writes what a command is for to the standard output.
///
/// - Throws: ``StartFailure`` when it cannot be written.
func answer(_ text: String) throws(StartFailure) {
    do throws(StandardStream.Failure) {
        try StandardStream.output.write(text)
    } catch {
        throw StartFailure(.outputFailed, "the standard output cannot be written: \(error)")
    }
}
