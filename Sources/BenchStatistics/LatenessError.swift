package import Histogram

/// How much of a measured time may be the lateness of the tool that measured it.
///
/// A measured time is a true one plus a lateness. The lateness is added to the measured times once more, as
/// if it were independent of them, and what counts is how far each printed figure moves. For a mean that is
/// the mean lateness itself; for a percentile of a tail that falls exponentially it is exactly what the first
/// addition did.
package struct LatenessError: Sendable, Equatable {
    /// One figure and what lateness may have added to it, in the unit of the histogram.
    package struct Figure: Sendable, Equatable {
        /// `mean`, `p50`, …
        package let name: String
        package let value: Double
        package let error: Double

        package init(name: String, value: Double, error: Double) {
            self.name = name
            self.value = value
            self.error = error
        }
    }

    /// Points of equal weight that stand for a distribution of lateness.
    private static let points = 200

    package let figures: [Figure]

    /// - Parameters:
    ///   - times: The measured times.
    ///   - lateness: Parts that add up, each with its own distribution.
    /// - Returns: The figures that the report shows of these times (``Percentile``); none of an empty
    ///   histogram.
    package init(_ times: Histogram<UInt64>, lateness: [Histogram<UInt64>]) {
        let late = Self.sum(lateness.filter { $0.totalCount > 0 })
        guard times.totalCount > 0 else {
            figures = []
            return
        }
        var moved = TimeHistogram.empty()
        for time in times.recordedValues() {
            for part in late {
                moved.record(min(time.value + part, TimeHistogram.longest), count: time.count)
            }
        }
        var figures = [Figure(name: "mean", value: times.mean, error: max(moved.mean - times.mean, 0))]
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
            guard let value = Percentile.of(times, share) else { continue }
            let later = Double(moved.valueAtPercentile(share * 100))
            figures.append(Figure(name: name, value: value, error: max(later - value, 0)))
        }
        self.figures = figures
    }

    /// The distribution of the sum of independent parts.
    private static func sum(_ parts: [Histogram<UInt64>]) -> [UInt64] {
        parts.reduce([0]) { sum, part in
            let values = (0..<points).map {
                part.valueAtPercentile((Double($0) + 0.5) / Double(points) * 100)
            }
            let sums = sum.flatMap { one in values.map { one + $0 } }.sorted()
            // The middle one of each group of equal size.
            return stride(from: sum.count / 2, to: sums.count, by: sum.count).map { sums[$0] }
        }
    }
}
