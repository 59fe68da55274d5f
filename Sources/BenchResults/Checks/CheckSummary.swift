/// One statement over all trials of real strategies.
package struct CheckSummary: Sendable, Equatable, Codable {
    package let id: String
    package let kind: Check.Kind
    package let statement: String
    package let passed: Int
    package let failed: Int
    package let unknown: Int
    /// Trials in which it could not be made; nil: none.
    package var notChecked: Int?
    /// The trial that came nearest to the limit or went furthest beyond it; nil: none could be checked.
    package var worst: Worst?

    package init(
        id: String, kind: Check.Kind, statement: String, passed: Int, failed: Int, unknown: Int,
        notChecked: Int? = nil, worst: Worst? = nil
    ) {
        self.id = id
        self.kind = kind
        self.statement = statement
        self.passed = passed
        self.failed = failed
        self.unknown = unknown
        self.notChecked = notChecked
        self.worst = worst
    }

    package struct Worst: Sendable, Equatable, Codable {
        package var strategy: String
        /// Place of the trial in the run.
        package var order: Int
        package var value: String
        package var limit: String
    }

    /// - Returns: One summary for each check, in the order in which they first appear.
    package static func all(_ trials: [TrialResult]) -> [CheckSummary] {
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
