package import BenchModel

/// Under what conditions a strategy ran: what must be the same for all of them, and the retry policy, in
/// which they differ by design.
package struct StrategyConditions: Sendable, Codable, Equatable {
    /// Pauses between the attempts to get the lock.
    package struct Retry: Sendable, Codable, Equatable {
        /// `fixed` or `exponential-full-jitter`.
        package var delay: String
        /// The fixed pause, or the base of the exponential one.
        package var baseMs: Double
        /// Nil: the pause is fixed.
        @OrNull package var capMs: Double?
        /// Nil: only the deadline of the purchase ends the attempts.
        @OrNull package var maximumRetries: Int?

        package init(delay: String, baseMs: Double, capMs: Double?, maximumRetries: Int?) {
            self.delay = delay
            self.baseMs = baseMs
            self.capMs = capMs
            self.maximumRetries = maximumRetries
        }
    }

    package var id: String
    /// Nil: it takes no lock.
    @OrNull package var leaseTtlMs: Double?
    /// Nil: there is nothing to ask again.
    @OrNull package var retry: Retry?
    package var criticalSection: String

    package init(id: String, leaseTtlMs: Double?, retry: Retry?, criticalSection: String) {
        self.id = id
        self.leaseTtlMs = leaseTtlMs
        self.retry = retry
        self.criticalSection = criticalSection
    }
}

extension StrategyConditions.Retry {
    /// As in the report.
    package var text: String {
        let base = "\(Text.number(baseMs)) ms"
        guard let capMs else { return "\(delay), \(base)" }
        return "\(delay), base \(base), cap \(Text.number(capMs)) ms"
    }

    package var budget: String { maximumRetries.map { "\($0) retries" } ?? "until the deadline" }
}
