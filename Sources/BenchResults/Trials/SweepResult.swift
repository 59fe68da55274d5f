package import BenchModel
package import BenchStatistics

/// What a sweep found: each load of each strategy, and the law that its throughput follows.
package struct SweepResult: Sendable, Codable, Equatable {
    package struct Point: Sendable, Codable, Equatable {
        package var strategy: String
        package var users: Int
        /// Null in a closed load.
        @OrNull package var offeredPerSecond: Double?
        package var trials: Int
        /// Median of the trials.
        package var purchasesPerSecond: Double
        @OrNull package var successShare: Double?
        /// Null in a closed load.
        @OrNull package var isSustained: Bool?
        /// Response time of the successes, from the intended start, merged over the trials.
        package var responseUs: Percentiles

        package init(
            strategy: String, users: Int, offeredPerSecond: Double?, trials: Int, purchasesPerSecond: Double,
            successShare: Double?, isSustained: Bool?, responseUs: Percentiles
        ) {
            self.strategy = strategy
            self.users = users
            self.offeredPerSecond = offeredPerSecond
            self.trials = trials
            self.purchasesPerSecond = purchasesPerSecond
            self.successShare = successShare
            self.isSustained = isSustained
            self.responseUs = responseUs
        }
    }

    package struct Fit: Sendable, Codable, Equatable {
        package var strategy: String
        package var law: UniversalScalability

        package init(strategy: String, law: UniversalScalability) {
            self.strategy = strategy
            self.law = law
        }
    }

    package var kind: Sweep
    /// By strategy, then by rising load.
    package var points: [Point]
    /// Laws of the strategies with six loads or more; empty in a sweep over rates.
    package var fits: [Fit]

    package init(kind: Sweep, points: [Point], fits: [Fit]) {
        self.kind = kind
        self.points = points
        self.fits = fits
    }
}
