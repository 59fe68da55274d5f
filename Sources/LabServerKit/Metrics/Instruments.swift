import Synchronization

/// A number that many tasks change without a lock.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

    var value: Int { count.load(ordering: .relaxed) }
}

/// How often a duration fell into which bucket.
final class Histogram: Sendable {
    /// Upper ends in microseconds.
    let bounds: [Int]
    private let counts: [Counter]
    private let sum = Counter()

    /// The buckets that OpenTelemetry names for HTTP: 5 ms to 10 s.
    static let http = [
        5000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000,
        5_000_000, 7_500_000, 10_000_000,
    ]
    /// For what lies below a request: 50 µs to 5 s.
    static let fine = [
        50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        2_500_000, 5_000_000,
    ]

    init(bounds: [Int]) {
        self.bounds = bounds
        counts = (0...bounds.count).map { _ in Counter() }
    }

    func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = max(0, Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000))
        let index = bounds.firstIndex { microseconds <= $0 } ?? bounds.count
        counts[index].add()
        sum.add(microseconds)
    }

    /// Cumulative counts, one for each bound and the last for all; and the sum in microseconds.
    var reading: (cumulative: [Int], sum: Int) {
        var total = 0
        let cumulative = counts.map { count in
            total += count.value
            return total
        }
        return (cumulative, sum.value)
    }
}
