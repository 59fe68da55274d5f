/// What a sweep found: each load of each strategy, and the law that its throughput follows.
struct SweepResult: Sendable, Codable, Equatable {
    struct Point: Sendable, Codable, Equatable {
        var strategy: String
        var users: Int
        /// Null in a closed load.
        @OrNull var offeredPerSecond: Double?
        var trials: Int
        /// Median of the trials.
        var purchasesPerSecond: Double
        @OrNull var successShare: Double?
        /// Null in a closed load.
        @OrNull var isSustained: Bool?
        /// Response time of the successes, from the intended start, merged over the trials.
        var responseUs: Percentiles
    }

    struct Fit: Sendable, Codable, Equatable {
        var strategy: String
        var law: UniversalScalability
    }

    var kind: Sweep
    /// By strategy, then by rising load.
    var points: [Point]
    /// Laws of the strategies with six loads or more; empty in a sweep over rates.
    var fits: [Fit]
}
