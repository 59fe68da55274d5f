import Testing

@testable import LockStrategies

/// Clause 22, simulated: waiters that all failed at the same moment, and when they come back.
@Suite("Herds of waiters")
struct HerdTests {
    private static let waiters = 100
    /// The backoff grows to its cap before this moment; then two seconds are looked at.
    private static let settled = Duration.seconds(1)
    private static let watched = Duration.seconds(2)

    /// The fullest bucket's share of all retries that were watched.
    private static func largestShare(_ policy: RetryPolicy, _ bucket: Duration, seed: UInt64) -> Double {
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

    /// Redlock pauses for 20 ms at most: 5 ms hold a fourth of them, herd or not.
    private static let buckets = [
        (StrategySettings().retry(of: .setnxBackoff), Duration.milliseconds(5)),
        (StrategySettings().retry(of: .redlock), Duration.milliseconds(1)),
    ]

    @Test(
        "22 · no bucket has four times its share of 100 waiters' retries; with fixed pauses one has more",
        arguments: buckets, [1, 2, 3] as [UInt64])
    func spread(herd: (policy: RetryPolicy, bucket: Duration), seed: UInt64) {
        guard case .exponentialFullJitter(_, let cap) = herd.policy.delay else {
            Issue.record("\(herd.policy) has no jitter")
            return
        }
        let limit = 4 * Double(herd.bucket / Self.watched)
        let share = Self.largestShare(herd.policy, herd.bucket, seed: seed)
        #expect(share <= limit, "seed \(seed): \(share)")
        // The control comes back as often on average, and all at once.
        let fixed = Self.largestShare(RetryPolicy(delay: .fixed(cap / 2)), herd.bucket, seed: seed)
        #expect(fixed > limit)
    }
}
