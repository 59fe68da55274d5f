package import BenchModel
import Foundation

/// Where a figure of another run of as many trials would lie.
///
/// Trials of one load differ by more than chance inside a trial: the machine, the server's luck, the order of
/// buyers. The logarithms of the figure of each trial are taken as normal; another run of n trials then lies
/// within t(n-1) · s · √(2/n) around this one with 95 % confidence (Student's prediction interval for the
/// mean of n more values).
package struct TrialInterval: Sendable, Codable, Equatable {
    package static let confidence = 0.95
    /// Two trials say next to nothing about how far trials reach.
    static let leastTrials = 3

    package var low: Double
    package var high: Double

    /// - Parameters:
    ///   - center: The figure of all trials together.
    ///   - trials: The same figure of each trial.
    /// - Returns: nil below three trials, or where a figure is not above zero.
    package init?(around center: Double?, trials: [Double]) {
        let values = trials + [center ?? 0]
        guard let center, trials.count >= Self.leastTrials, values.allSatisfy({ $0 > 0 && $0.isFinite })
        else {
            return nil
        }
        let logs = trials.map { log($0) }
        let count = Double(logs.count)
        let mean = logs.reduce(0, +) / count
        let variance = logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let limit = StudentT.limit(tails: 1 - Self.confidence, degrees: count - 1)
        let reach = limit * (variance * 2 / count).squareRoot()
        (low, high) = (center * exp(-reach), center * exp(reach))
    }
}

/// The intervals of the percentiles that stand in a result; null where there are too few trials or no
/// percentile.
package struct TrialIntervals: Sendable, Codable, Equatable {
    @OrNull package var p50: TrialInterval?
    @OrNull package var p90: TrialInterval?
    @OrNull package var p95: TrialInterval?
    @OrNull package var p99: TrialInterval?

    /// - Parameters:
    ///   - merged: The percentiles of all trials together.
    ///   - trials: Those of each trial.
    package init(around merged: Percentiles, trials: [Percentiles]) {
        func interval(_ part: (Percentiles) -> Double?) -> TrialInterval? {
            let known = trials.compactMap(part)
            return known.count == trials.count ? TrialInterval(around: part(merged), trials: known) : nil
        }
        p50 = interval(\.p50)
        p90 = interval(\.p90)
        p95 = interval(\.p95)
        p99 = interval(\.p99)
    }
}
