/// When a client that did not get the lock tries again. A value: it holds no state of any acquisition.
public struct RetryPolicy: Sendable, Hashable {
    /// How long to wait between two tries.
    public enum Delay: Sendable, Hashable {
        /// The same pause every time.
        case fixed(Duration)
        /// Evenly distributed over 0...min(cap, base · 2ⁿ) before retry n ("full jitter",
        /// Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
        case exponentialFullJitter(base: Duration, cap: Duration)
    }

    /// The wait between two tries.
    public let delay: Delay
    /// Retries after the first attempt; nil leaves the end to the deadline.
    public let maximumRetries: Int?

    /// - Parameters:
    ///   - delay: The wait between two tries.
    ///   - maximumRetries: After the first attempt; nil leaves the end to the deadline.
    public init(delay: Delay, maximumRetries: Int? = nil) {
        self.delay = delay
        self.maximumRetries = maximumRetries
    }

    /// No pause is longer.
    var longestPause: Duration {
        switch delay {
        case .fixed(let pause): pause
        case .exponentialFullJitter(_, let cap): cap
        }
    }
}

/// The decision between two attempts of one acquisition. Pure: time and chance come in as arguments.
struct RetrySchedule: Sendable {
    enum Action: Sendable, Equatable {
        case retry(after: Duration)
        case giveUp
    }

    private let policy: RetryPolicy
    private let deadline: ContinuousClock.Instant
    private var failures = 0

    init(policy: RetryPolicy, deadline: ContinuousClock.Instant) {
        self.policy = policy
        self.deadline = deadline
    }

    /// Called once after each failed attempt. The pause never reaches past the deadline; a try at the
    /// deadline itself is the last.
    mutating func attemptFailed(now: ContinuousClock.Instant, random: RandomSource) -> Action {
        failures += 1
        if let maximum = policy.maximumRetries, failures > maximum { return .giveUp }
        let remaining = now.duration(to: deadline)
        guard remaining > .zero else { return .giveUp }
        return .retry(after: min(pause(random), remaining))
    }

    private func pause(_ random: RandomSource) -> Duration {
        switch policy.delay {
        case .fixed(let pause):
            return pause
        case .exponentialFullJitter(let base, let cap):
            // 2^30 base steps are above any sensible cap; the bound keeps the product from overflowing.
            let doublings = min(failures - 1, 30)
            return random.duration(upTo: min(cap, base * (1 << doublings)))
        }
    }
}
