/// Attempts by key: so many at once, then one after each interval. Nobody is shut out for ever.
///
/// A bucket is one instant, the time at which it is full again (the generic cell rate algorithm), so a full
/// one needs no memory.
struct TokenBuckets: Sendable {
    typealias Instant = ContinuousClock.Instant

    struct Policy: Sendable, Hashable {
        /// Attempts at once.
        let burst: Int
        /// Time for one more.
        let interval: Duration

        /// The time in which an empty bucket fills.
        var window: Duration { interval * burst }
    }

    struct Decision: Sendable, Equatable {
        let isAllowed: Bool
        /// Attempts that are left now.
        let remaining: Int
        /// When there is one more; zero while there is one.
        let wait: Duration
    }

    let policy: Policy
    /// Keys that are remembered; beyond it the bucket that is full first is forgotten early.
    let capacity: Int
    private var full: [String: Instant] = [:]

    init(_ policy: Policy, capacity: Int = 20_000) {
        self.policy = policy
        self.capacity = capacity
    }

    /// Takes one attempt of the key where there is one.
    mutating func take(_ key: String, at now: Instant) -> Decision {
        let owed = max(.zero, now.duration(to: full[key] ?? now))
        let after = owed + policy.interval
        guard after <= policy.window else {
            return Decision(isAllowed: false, remaining: 0, wait: after - policy.window)
        }
        if full[key] == nil, full.count >= capacity { forget(at: now) }
        full[key] = now + after
        let rest = policy.window - after
        let remaining = Int(rest / policy.interval)
        return Decision(
            isAllowed: true, remaining: remaining, wait: remaining > 0 ? .zero : policy.interval - rest)
    }

    /// Gives back all attempts of the key.
    mutating func refill(_ key: String) {
        full[key] = nil
    }

    var count: Int { full.count }

    private mutating func forget(at now: Instant) {
        full = full.filter { $0.value > now }
        // Still too many: half of them, those that are full soonest, would be free soonest anyway.
        guard full.count >= capacity else { return }
        let middle = full.values.sorted()[full.count / 2]
        full = full.filter { $0.value > middle }
    }
}
