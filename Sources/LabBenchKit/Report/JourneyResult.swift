/// The journeys of one trial, or of all trials of a strategy together.
struct JourneyResult: Sendable, Codable, Equatable {
    /// One kind of request.
    struct Step: Sendable, Codable, Equatable {
        var step: JourneyStep
        /// Measured requests that did not go well.
        var failed: Int
        /// Service time in microseconds of the measured requests that went well.
        var latencyUs: Percentiles
        /// Behind it: value, count, value, count, …
        var histogramUs: [UInt64]
    }

    /// In the order in which a visitor takes them.
    var steps: [Step]
    /// From the intended start to the last answer of whole journeys, in microseconds.
    var wholeUs: Percentiles
    /// Measured journeys that ended before their last step.
    var broken: Int
    /// Whole journeys for each second of the measured windows; nil in results of before.
    var visitorsPerSecond: Double?
}
