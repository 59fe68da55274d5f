/// One statement about a trial, looked at.
package struct Check: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable, CaseIterable {
        case pass
        case fail
        /// What it needs could not be read or does not exist.
        case unknown
        /// It cannot be looked at here, and ``Check/reason`` says why.
        case notChecked = "not-checked"
    }

    /// What a failure means.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The strategy sold wrongly.
        case correctness
        /// The numbers are not to be trusted.
        case measurement
    }

    package let id: String
    package let kind: Kind
    /// A sentence that is true when it passes.
    package let statement: String
    package var value: String
    package let limit: String
    package var state: State
    /// Why it was not checked; nil in any other state.
    package var reason: String?
    /// How far the value went towards its limit (``Bound/strain(_:)``); nil where that is no matter of
    /// degree.
    package var strain: Double?

    package init(
        id: String, kind: Kind, statement: String, value: String, limit: String, state: State,
        reason: String? = nil, strain: Double? = nil
    ) {
        self.id = id
        self.kind = kind
        self.statement = statement
        self.value = value
        self.limit = limit
        self.state = state
        self.reason = reason
        self.strain = strain
    }
}

extension Check {
    /// - Parameters:
    ///   - value: Nil or not finite: it could not be read.
    ///   - shown: The value as text.
    package init(
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
