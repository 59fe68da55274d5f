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
