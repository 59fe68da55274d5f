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
    /// Nil: it takes no lock, so there is nothing to retry.
    @OrNull var retry: Retry?
    var criticalSection: String
}

extension StrategyConditions {
    /// - Parameter settings: The ones that lab-server builds its strategies with.
    init(_ id: StrategyID, settings: StrategySettings = StrategySettings()) {
        let policy: RetryPolicy?
        switch id {
        case .unguarded: (policy, criticalSection) = (nil, "GET, then write: no lock around them")
        case .luaAtomic: (policy, criticalSection) = (nil, "one script")
        case .setnxSpin: (policy, criticalSection) = (settings.spin, Self.guarded)
        case .setnxBackoff: (policy, criticalSection) = (settings.backoff, Self.guarded)
        case .redlock: (policy, criticalSection) = (settings.redlock, Self.guarded)
        }
        self.id = id.rawValue
        leaseTtlMs = policy == nil ? nil : settings.leaseTimeToLive / .milliseconds(1)
        retry = policy.map(Retry.init)
    }

    private static let guarded = "GET, then write, under the lock"
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
