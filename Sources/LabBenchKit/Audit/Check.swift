/// One statement about a trial, looked at.
struct Check: Sendable, Equatable, Codable {
    enum State: String, Sendable, Codable, CaseIterable {
        case pass
        case fail
        /// What it needs could not be read or does not exist.
        case unknown
        /// It cannot be looked at here, and ``Check/reason`` says why.
        case notChecked = "not-checked"
    }

    /// What a failure means.
    enum Kind: String, Sendable, Codable, CaseIterable {
        /// The strategy sold wrongly.
        case correctness
        /// The numbers are not to be trusted.
        case measurement
    }

    let id: String
    let kind: Kind
    /// A sentence that is true when it passes.
    let statement: String
    var value: String
    let limit: String
    var state: State
    /// Why it was not checked; nil in any other state.
    var reason: String?
    /// How far the value went towards its limit (``Bound/strain(_:)``); nil where that is no matter of degree.
    var strain: Double?
}

extension Check {
    /// - Parameters:
    ///   - value: Nil or not finite: it could not be read.
    ///   - shown: The value as text.
    init(
        _ id: String, _ kind: Kind, _ statement: String, _ value: Double?, _ bound: Bound, limit: String,
        shown: (Double) -> String
    ) {
        let known = value.flatMap { $0.isFinite ? $0 : nil }
        self.init(
            id: id, kind: kind, statement: statement, value: known.map(shown) ?? "-", limit: limit,
            state: known.map { bound.holds($0) ? .pass : .fail } ?? .unknown,
            strain: known.map(bound.strain))
    }
}

/// The name of a check that failed, and what that means; in results.json `correctness:rows-are-sold`.
struct FailedCheck: Sendable, Hashable, Codable {
    let kind: Check.Kind
    let id: String

    init(kind: Check.Kind, id: String) {
        (self.kind, self.id) = (kind, id)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let kind = Check.Kind(rawValue: parts[0]) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "no name of a check: \(text)")
        }
        self.init(kind: kind, id: parts[1])
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(kind.rawValue):\(id)")
    }
}

/// One statement over all trials of real strategies.
struct CheckSummary: Sendable, Equatable, Codable {
    let id: String
    let kind: Check.Kind
    let statement: String
    let passed: Int
    let failed: Int
    let unknown: Int
    /// Trials in which it could not be made; nil: none.
    var notChecked: Int?
    /// The trial that came nearest to the limit or went furthest beyond it; nil: none could be checked.
    var worst: Worst?

    struct Worst: Sendable, Equatable, Codable {
        var strategy: String
        /// Place of the trial in the run.
        var order: Int
        var value: String
        var limit: String
    }

    /// - Returns: One summary for each check, in the order in which they first appear.
    static func all(_ trials: [TrialResult]) -> [CheckSummary] {
        var kinds: [Check] = []
        for check in trials.flatMap(\.checks) where !kinds.contains(where: { $0.id == check.id }) {
            kinds.append(check)
        }
        return kinds.map { check in
            let same = trials.flatMap { trial in
                trial.checks.filter { $0.id == check.id }.map { (trial: trial, check: $0) }
            }
            func count(_ state: Check.State) -> Int { same.count { $0.check.state == state } }
            let worst = same.filter { $0.check.state != .notChecked }.max {
                $0.check.badness < $1.check.badness
            }
            return CheckSummary(
                id: check.id, kind: check.kind, statement: check.statement, passed: count(.pass),
                failed: count(.fail), unknown: count(.unknown),
                notChecked: count(.notChecked) > 0 ? count(.notChecked) : nil,
                worst: worst.map {
                    Worst(
                        strategy: $0.trial.strategy, order: $0.trial.order, value: $0.check.value,
                        limit: $0.check.limit)
                })
        }
    }
}

extension Check {
    /// A failure is worse than what could not be read, and that worse than anything that passed.
    fileprivate var badness: (Int, Double) {
        let rank =
            switch state {
            case .fail: 2
            case .unknown: 1
            case .pass, .notChecked: 0
            }
        return (rank, strain ?? 0)
    }
}
