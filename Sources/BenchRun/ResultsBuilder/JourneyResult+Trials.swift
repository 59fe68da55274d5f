import BenchLoad
import BenchModel
import BenchResults
import BenchStatistics
import Histogram
import NIOCore

extension JourneyResult {
    /// - Returns: nil when no record is of journeys.
    init?(_ records: [LoadRecord]) {
        let journeys = records.compactMap(\.journey)
        guard !journeys.isEmpty else { return nil }
        let steps = JourneyStep.allCases.map { step in
            var sum = TimeHistogram.empty()
            for journey in journeys { sum.add(journey.step(step).latency) }
            return Step(
                step: step, failed: journeys.reduce(0) { $0 + $1.step(step).failed },
                latencyUs: Percentiles(sum), histogramUs: sum.pairs)
        }
        var whole = TimeHistogram.empty()
        for journey in journeys { whole.add(journey.visits) }
        let seconds = records.reduce(0) { $0 + Double($1.duration.nanoseconds) / 1e9 }
        self.init(
            steps: steps, wholeUs: Percentiles(whole), broken: journeys.reduce(0) { $0 + $1.broken },
            visitorsPerSecond: seconds > 0 ? Double(whole.totalCount) / seconds : nil)
    }
}
