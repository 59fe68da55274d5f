/// Why the server did not start: one sentence that says what to do, and an exit code.
struct StartFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Exit codes of sysexits.h, and 6 for Redis (its first digit) as in lab-bench.
    enum Code: Int32, Sendable, CaseIterable {
        case redisUnreachable = 6
        case usage = 64
        case certificateUnusable = 66
        case addressInUse = 69
        case databaseUnusable = 73
        case unsafeSecret = 78
    }

    let code: Code
    let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
