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
        let reach = StudentT.twoSided95(degrees: trials.count - 1) * (variance * 2 / count).squareRoot()
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

/// Student's t distribution.
enum StudentT {
    private static let table = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
        2.045, 2.042,
    ]

    /// The value that t exceeds in size with a chance of 5 %.
    ///
    /// - Parameter degrees: Of freedom, from 1.
    static func twoSided95(degrees: Int) -> Double {
        // Beyond the table by the first term of the expansion around the normal distribution: within 0.001.
        degrees <= table.count ? table[max(degrees, 1) - 1] : 1.96 + 2.4 / Double(degrees)
    }
}
