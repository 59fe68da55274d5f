import BenchModel
package import BenchStatistics

extension Text {
    /// `12.3 (11.9 - 13)`
    package static func milliseconds(_ microseconds: Double?, within interval: TrialInterval?) -> String {
        guard let interval, microseconds != nil else { return milliseconds(microseconds) }
        return
            "\(milliseconds(microseconds)) (\(milliseconds(interval.low)) - \(milliseconds(interval.high)))"
    }
}
