package import BenchModel
package import Histogram

/// Percentiles of a histogram, each only where enough values lie beyond it.
package enum Percentile {
    /// Values that must lie beyond a percentile for it to say anything.
    package static let beyond = 10.0

    /// - Parameter share: 0 to 1, 0.99 for p99.
    /// - Returns: nil when fewer than ten values lie beyond.
    package static func of(_ histogram: Histogram<UInt64>, _ share: Double) -> Double? {
        let count = Double(histogram.totalCount)
        // Rounding must not turn exactly ten into 9.999….
        guard count * (1 - share) + 1e-6 >= beyond else { return nil }
        return Double(histogram.valueAtPercentile(share * 100))
    }
}

/// The percentiles that the report shows, in the unit of the histogram.
package struct Percentiles: Sendable, Equatable, Codable {
    package let count: Int
    @OrNull package var mean: Double?
    @OrNull package var p50: Double?
    @OrNull package var p90: Double?
    @OrNull package var p95: Double?
    @OrNull package var p99: Double?
    @OrNull var p999: Double?
    @OrNull package var max: Double?
    /// How far the percentiles can be trusted; nil of an empty histogram.
    package var intervals: RankIntervals?

    package init(_ histogram: Histogram<UInt64>) {
        let isEmpty = histogram.totalCount == 0
        count = Int(histogram.totalCount)
        mean = isEmpty ? nil : histogram.mean
        p50 = Percentile.of(histogram, 0.5)
        p90 = Percentile.of(histogram, 0.9)
        p95 = Percentile.of(histogram, 0.95)
        p99 = Percentile.of(histogram, 0.99)
        p999 = Percentile.of(histogram, 0.999)
        intervals = isEmpty ? nil : RankIntervals(histogram)
        max = isEmpty ? nil : Double(histogram.maxRecorded)
    }
}
