/// What one clause says of one lock.
public struct Finding: Sendable, Hashable {
    /// What a clause may say of a lock.
    public enum Verdict: String, Sendable, Hashable, CaseIterable {
        /// The steps of the clause showed no violation, which is no proof that there is none.
        case pass
        /// The lock broke the clause; ``Finding/steps`` show it.
        case fail
        /// The clause is about something that the lock does not have.
        case notApplicable = "not-applicable"
        /// The question could not be answered.
        case unknown
    }

    /// The name of the lock.
    public let lock: String
    /// What the lock was held to.
    public let clause: Clause
    /// What came of it.
    public let verdict: Verdict
    /// One sentence; nil for a pass.
    public let reason: String?
    /// What was asked and answered, in the order of the answers; empty unless it failed or is unknown.
    public let steps: [Step]
    /// From the start of its first server to the verdict.
    public let took: Duration

    init(
        lock: String, clause: Clause, _ verdict: Verdict, _ reason: String? = nil, steps: [Step] = [],
        took: Duration = .zero
    ) {
        self.lock = lock
        self.clause = clause
        self.verdict = verdict
        self.reason = reason
        self.steps = steps
        self.took = took
    }

    /// It neither failed nor is unknown.
    public var isGood: Bool { verdict == .pass || verdict == .notApplicable }
}

extension Finding: CustomStringConvertible {
    /// The verdict with its reason, and a line for each step.
    public var description: String {
        let head = "\(lock), \(clause.id): \(verdict.rawValue)" + (reason.map { ": \($0)" } ?? "")
        return ([head] + steps.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// One call and its answer, or something that was done to Redis or to a client.
public struct Step: Sendable, Hashable, CustomStringConvertible {
    /// From the begin of the clause to the call.
    public let at: Duration
    /// From the call to its answer; zero where nothing answers.
    public let took: Duration
    /// `A`, `B` … for clients, `bench` for what was done to them.
    public let who: String
    /// The call with its arguments, or what was done.
    public let what: String
    /// The answer; empty where nothing answers.
    public let result: String

    public var description: String {
        let start = "\(Words.milliseconds(at)) \(who): \(what)"
        guard !result.isEmpty else { return start }
        return "\(start) → \(result), after \(Words.milliseconds(took))"
    }
}
