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
