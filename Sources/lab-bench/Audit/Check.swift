/// One statement about a trial, looked at.
struct Check: Sendable, Equatable, Codable {
    enum State: String, Sendable, Codable, CaseIterable {
        case pass
        case fail
        /// What it needs could not be read or does not exist.
        case unknown
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
    let value: String
    let limit: String
    let state: State
}

/// One statement over all trials of real strategies.
struct CheckSummary: Sendable, Equatable, Codable {
    let id: String
    let kind: Check.Kind
    let statement: String
    let passed: Int
    let failed: Int
    let unknown: Int

    /// - Returns: One summary for each check, in the order of the first trial.
    static func all(_ trials: [[Check]]) -> [CheckSummary] {
        (trials.first ?? []).map { check in
            let same = trials.joined().filter { $0.id == check.id }
            return CheckSummary(
                id: check.id, kind: check.kind, statement: check.statement,
                passed: same.count { $0.state == .pass }, failed: same.count { $0.state == .fail },
                unknown: same.count { $0.state == .unknown })
        }
    }
}
