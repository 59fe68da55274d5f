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
    /// From here on a value is a lower bound: something had waited so long when it was given up. Nil: nothing
    /// was given up.
    package var boundsFrom: Double?

    /// - Parameter unanswered: How long requests had waited that were given up. They stand in the percentiles
    ///   as if they had been answered then, because leaving them out would hide the longest waits.
    package init(_ answered: Histogram<UInt64>, unanswered: Histogram<UInt64>? = nil) {
        var histogram = answered
        if let unanswered, unanswered.totalCount > 0 {
            histogram.add(unanswered)
            boundsFrom = Double(unanswered.valueAtPercentile(0))
        }
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

    /// Whether a value of these is a lower bound only.
    package func isBound(_ value: Double?) -> Bool {
        guard let boundsFrom, let value else { return false }
        return value >= boundsFrom
    }
}
