/// Exit codes of `lab-bench`.
package enum BenchExit: Int32, Sendable, Codable, CaseIterable {
    case good = 0
    case regression = 2
    case invalid = 3
    case violation = 4
    case inconclusive = 5
    case unreachable = 6
    case usage = 64
    case interrupted = 130
}

extension BenchExit {
    /// The worse of two findings has the higher one.
    package var severity: Int {
        switch self {
        case .good: 0
        case .inconclusive: 1
        case .regression: 2
        case .invalid: 3
        case .violation: 4
        case .unreachable, .usage, .interrupted: 5
        }
    }

    /// In one word, as verdicts say it.
    package var word: String {
        switch self {
        case .good: "pass"
        case .regression: "regression"
        case .invalid: "invalid"
        case .violation: "violation"
        case .inconclusive: "inconclusive"
        case .unreachable: "unreachable"
        case .usage: "usage"
        case .interrupted: "interrupted"
        }
    }
}
