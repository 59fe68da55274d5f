import Testing

@testable import LockStrategies

/// Clause 22, simulated: waiters that all failed at the same moment, and when they come back.
@Suite("Herds of waiters")
struct HerdTests {
    private static let waiters = 100
    /// The backoff grows to its cap before this moment; then two seconds are looked at.
    private static let settled = Duration.seconds(1)
    private static let watched = Duration.seconds(2)
    private static let bucket = Duration.milliseconds(5)

    /// The fullest bucket's share of all retries that were watched.
    private static func largestShare(_ policy: RetryPolicy, seed: UInt64) -> Double {
        let random = RandomSource.seeded(seed)
        let start = ContinuousClock.now
        let end = start + settled + watched
        var buckets: [Int: Int] = [:]
        for _ in 0..<waiters {
            var schedule = RetrySchedule(policy: policy, deadline: end + .seconds(60))
            var now = start
            while case .retry(let pause) = schedule.attemptFailed(now: now, random: random) {
                now += pause
                guard now < end else { break }
                let since = start.duration(to: now) - settled
                if since >= .zero { buckets[Int(since / bucket), default: 0] += 1 }
            }
        }
        let retries = buckets.values.reduce(0, +)
        return Double(buckets.values.max() ?? 0) / Double(max(retries, 1))
    }

    /// 400 buckets: four times what each would hold if the retries were spread evenly.
    private static let limit = 4 * Double(bucket / watched)

    @Test(
        "22 · of 100 waiters' retries no 5 ms hold more than 1 %; with fixed pauses they hold more",
        arguments: [StrategySettings().retry(of: .setnxBackoff), StrategySettings().retry(of: .redlock)],
        [1, 2, 3] as [UInt64])
    func spread(policy: RetryPolicy, seed: UInt64) {
        guard case .exponentialFullJitter(_, let cap) = policy.delay else {
            Issue.record("\(policy) has no jitter")
            return
        }
        let share = Self.largestShare(policy, seed: seed)
        #expect(share <= Self.limit, "seed \(seed): \(share)")
        // The control comes back as often on average, and all at once.
        let fixed = Self.largestShare(RetryPolicy(delay: .fixed(cap / 2)), seed: seed)
        #expect(fixed > Self.limit)
    }
}
