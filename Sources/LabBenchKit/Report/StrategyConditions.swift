import LockStrategies

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

extension StrategyConditions {
    /// - Parameter settings: The ones that lab-server builds its strategies with.
    init(_ id: StrategyID, settings: StrategySettings = StrategySettings()) {
        let traits = id.traits
        self.id = id.rawValue
        leaseTtlMs = traits.abilities.contains(.leases) ? settings.leaseTimeToLive / .milliseconds(1) : nil
        retry = traits.retry.map { _ in Retry(settings.retry(of: id)) }
        criticalSection = traits.criticalSection
    }
}

extension StrategyConditions.Retry {
    init(_ policy: RetryPolicy) {
        maximumRetries = policy.maximumRetries
        switch policy.delay {
        case .fixed(let pause):
            (delay, baseMs, capMs) = ("fixed", pause / .milliseconds(1), nil)
        case .exponentialFullJitter(let base, let cap):
            delay = "exponential-full-jitter"
            (baseMs, capMs) = (base / .milliseconds(1), cap / .milliseconds(1))
        }
    }

    /// As in the report.
    var text: String {
        let base = "\(Text.number(baseMs)) ms"
        guard let capMs else { return "\(delay), \(base)" }
        return "\(delay), base \(base), cap \(Text.number(capMs)) ms"
    }

    var budget: String { maximumRetries.map { "\($0) retries" } ?? "until the deadline" }
}
