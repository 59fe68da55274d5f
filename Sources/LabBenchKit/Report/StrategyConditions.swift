/// Under what conditions a strategy ran: what must be the same for all of them, and the retry policy, in which
/// they differ by design.
struct StrategyConditions: Sendable, Codable, Equatable {
    /// Pauses between the attempts to get the lock.
    struct Retry: Sendable, Codable, Equatable {
        /// `fixed` or `exponential-full-jitter`.
        var delay: String
        /// The fixed pause, or the base of the exponential one.
        var baseMs: Double
        /// Nil: the pause is fixed.
        @OrNull var capMs: Double?
        /// Nil: only the deadline of the purchase ends the attempts.
        @OrNull var maximumRetries: Int?
    }

    var id: String
    /// Nil: it takes no lock.
    @OrNull var leaseTtlMs: Double?
    /// Nil: there is nothing to ask again.
    @OrNull var retry: Retry?
    var criticalSection: String
}

extension StrategyConditions.Retry {
    /// As in the report.
    var text: String {
        let base = "\(Text.number(baseMs)) ms"
        guard let capMs else { return "\(delay), \(base)" }
        return "\(delay), base \(base), cap \(Text.number(capMs)) ms"
    }

    var budget: String { maximumRetries.map { "\($0) retries" } ?? "until the deadline" }
}
