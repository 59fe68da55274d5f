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

    /// - Returns: One summary for each check, in the order in which they first appear.
    static func all(_ trials: [[Check]]) -> [CheckSummary] {
        var kinds: [Check] = []
        for check in trials.joined() where !kinds.contains(where: { $0.id == check.id }) {
            kinds.append(check)
        }
        return kinds.map { check in
            let same = trials.joined().filter { $0.id == check.id }
            return CheckSummary(
                id: check.id, kind: check.kind, statement: check.statement,
                passed: same.count { $0.state == .pass }, failed: same.count { $0.state == .fail },
                unknown: same.count { $0.state == .unknown },
                notChecked: same.contains { $0.state == .notChecked }
                    ? same.count { $0.state == .notChecked } : nil)
        }
    }
}
