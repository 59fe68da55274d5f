/// What the doctor says of one thing.
struct Finding: Sendable, Hashable, Codable {
    enum Verdict: String, Sendable, Codable {
        case ok
        /// The server starts and sells right; something could be safer.
        case warning
        /// The server does not start, or must not be trusted with sales.
        case problem
    }

    let check: String
    let verdict: Verdict
    /// What was seen, and for what is not ok: what to do.
    let text: String

    init(_ check: String, _ verdict: Verdict, _ text: String) {
        self.check = check
        self.verdict = verdict
        self.text = text
    }
}
