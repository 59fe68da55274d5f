package import BenchModel
import Foundation
package import Histogram

/// How far a percentile can be trusted: an interval between two values of the sorted sample. Of n values, the
/// number that lies at or below the true percentile is binomial, whatever the distribution, so two ranks
/// enclose it with at least the asked confidence (order statistics; the values of one trial are taken as
/// independent).
package struct RankInterval: Sendable, Codable, Equatable {
    package static let confidence = 0.95

    package var low: Double
    package var high: Double

    /// The interval of a percentile of a histogram.
    ///
    /// - Parameter share: 0.99 for p99.
    /// - Returns: nil where no such ranks exist, or where ``Percentile`` says nothing.
    package init?(_ histogram: Histogram<UInt64>, _ share: Double) {
        let count = Int(histogram.totalCount)
        guard Percentile.of(histogram, share) != nil, let ranks = Self.ranks(count: count, share: share)
        else { return nil }
        func value(_ rank: Int) -> Double {
            // Between two ranks, so that rounding hits neither neighbour.
            Double(histogram.valueAtPercentile((Double(rank) - 0.5) / Double(count) * 100))
        }
        (low, high) = (value(ranks.lowerBound), value(ranks.upperBound))
    }

    /// The narrowest ranks, from 1, that leave at most half of the risk on either side.
    package static func ranks(count: Int, share: Double, confidence: Double = confidence) -> ClosedRange<Int>?
    {
        guard count > 0, share > 0, share < 1 else { return nil }
        let tail = (1 - confidence) / 2
        let mean = Double(count) * share
        let reach = 12 * (mean * (1 - share)).squareRoot() + 12
        // Below and above these counts lies less than any tail that is asked for.
        let (first, last) = (max(0, Int(mean - reach)), min(count, Int(mean + reach)))
        var probability = exp(logProbability(first, count, share))
        var below = 0.0
        var low: Int?
        // P(B < k) before each step.
        for k in first...last {
            if below <= tail {
                low = k
            } else if below >= 1 - tail {
                return low.flatMap { $0 > 0 ? $0...k : nil }
            }
            below += probability
            probability *= Double(count - k) / Double(k + 1) * share / (1 - share)
        }
        return nil
    }

    private static func logProbability(_ k: Int, _ count: Int, _ share: Double) -> Double {
        lgamma(Double(count) + 1) - lgamma(Double(k) + 1) - lgamma(Double(count - k) + 1)
            + Double(k) * log(share) + Double(count - k) * log(1 - share)
    }
}

/// The intervals of the percentiles that stand in a result; nil where the percentile is, or where the sample
/// is too small for its end.
package struct RankIntervals: Sendable, Codable, Equatable {
    @OrNull package var p50: RankInterval?
    @OrNull package var p90: RankInterval?
    @OrNull package var p95: RankInterval?
    @OrNull package var p99: RankInterval?
    @OrNull var p999: RankInterval?

    package init(_ histogram: Histogram<UInt64>) {
        p50 = RankInterval(histogram, 0.5)
        p90 = RankInterval(histogram, 0.9)
        p95 = RankInterval(histogram, 0.95)
        p99 = RankInterval(histogram, 0.99)
        p999 = RankInterval(histogram, 0.999)
    }
}
