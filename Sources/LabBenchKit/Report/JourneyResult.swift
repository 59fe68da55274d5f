import Histogram
import NIOCore

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

    /// - Returns: nil when no record is of journeys.
    init?(_ records: [LoadRecord]) {
        let journeys = records.compactMap(\.journey)
        guard !journeys.isEmpty else { return nil }
        steps = JourneyStep.allCases.map { step in
            var sum = LoadRecord.histogram()
            for journey in journeys { sum.add(journey.step(step).latency) }
            return Step(
                step: step, failed: journeys.reduce(0) { $0 + $1.step(step).failed },
                latencyUs: Percentiles(sum),
                histogramUs: sum.recordedValues().flatMap { [$0.value, $0.count] })
        }
        var whole = LoadRecord.histogram()
        for journey in journeys { whole.add(journey.visits) }
        wholeUs = Percentiles(whole)
        broken = journeys.reduce(0) { $0 + $1.broken }
        let seconds = records.reduce(0) { $0 + Double($1.duration.nanoseconds) / 1e9 }
        visitorsPerSecond = seconds > 0 ? Double(whole.totalCount) / seconds : nil
    }
}

/// What one of several products came to in a trial.
struct ProductResult: Sendable, Codable, Equatable {
    /// From 1; the hottest one is first.
    var number: Int
    var initialStock: Int
    var answeredSuccess: Int
    var unknown: Int
    @OrNull var rows: Int?
    @OrNull var unitsSold: Int?
    @OrNull var finalStock: Int?
    @OrNull var openUnits: Int?
    /// Σ of hold times by wall time.
    @OrNull var heldShare: Double?

    init(_ product: AuditFacts.Product, _ tally: ProductTally, wallSeconds: Double) {
        number = product.number
        initialStock = product.initialStock
        answeredSuccess = product.answers.success
        unknown = product.answers.unknown
        rows = product.ledger?.rows
        unitsSold = product.ledger?.units
        finalStock = product.redis?.stock
        openUnits = product.redis?.openUnits
        heldShare = wallSeconds > 0 ? Double(tally.heldMicroseconds) / 1e6 / wallSeconds : nil
    }
}
