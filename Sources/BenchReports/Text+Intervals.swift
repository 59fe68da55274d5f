import BenchModel
package import BenchStatistics

extension Percentiles {
    /// A value of these in milliseconds: `12.3`, or `> 12.3` where it is a lower bound.
    func milliseconds(_ value: Double?, within interval: TrialInterval? = nil) -> String {
        isBound(value)
            ? "> \(Text.milliseconds(value))" : Text.milliseconds(value, within: interval)
    }
}

extension Text {
    /// `12.3 (11.9 - 13)`
    package static func milliseconds(_ microseconds: Double?, within interval: TrialInterval?) -> String {
        guard let interval, microseconds != nil else { return milliseconds(microseconds) }
        return
            "\(milliseconds(microseconds)) (\(milliseconds(interval.low)) - \(milliseconds(interval.high)))"
    }
}
