package import BenchModel
package import BenchStatistics

/// The journeys of one trial, or of all trials of a strategy together.
package struct JourneyResult: Sendable, Codable, Equatable {
    /// One kind of request.
    package struct Step: Sendable, Codable, Equatable {
        package var step: JourneyStep
        /// Measured requests that did not go well.
        package var failed: Int
        /// Service time in microseconds of the measured requests that went well.
        package var latencyUs: Percentiles
        /// Behind it: value, count, value, count, …
        package var histogramUs: [UInt64]

        package init(step: JourneyStep, failed: Int, latencyUs: Percentiles, histogramUs: [UInt64]) {
            self.step = step
            self.failed = failed
            self.latencyUs = latencyUs
            self.histogramUs = histogramUs
        }
    }

    /// In the order in which a visitor takes them.
    package var steps: [Step]
    /// From the intended start to the last answer of whole journeys, in microseconds.
    package var wholeUs: Percentiles
    /// Measured journeys that ended before their last step.
    package var broken: Int
    /// Whole journeys for each second of the measured windows; nil in results of before.
    package var visitorsPerSecond: Double?

    package init(steps: [Step], wholeUs: Percentiles, broken: Int, visitorsPerSecond: Double? = nil) {
        self.steps = steps
        self.wholeUs = wholeUs
        self.broken = broken
        self.visitorsPerSecond = visitorsPerSecond
    }
}
