/// What all trials of one strategy say together.
struct StrategyResult: Sendable, Codable, Equatable {
    /// Sums over all trials; each row closes: rows = answered (+ unknown), lost - open = units.
    struct Ledger: Sendable, Codable, Equatable {
        var answered = 0
        var unknown = 0
        @OrNull var rows: Int? = nil
        @OrNull var units: Int? = nil
        @OrNull var stockLost: Int? = nil
        @OrNull var openUnits: Int? = nil
        var refusedByLedger = 0
    }

    /// A line of the wish list.
    struct Target: Sendable, Codable, Equatable {
        /// Its name, as it stands in results.json.
        enum Kind: String, Sendable, CaseIterable {
            case p95 = "p95 of a purchase"
            case success = "purchases that succeed"
            case stock = "stock exact"
        }

        var name: String
        var limit: String
        var measured: String
        /// Nil: could not be measured.
        @OrNull var isMet: Bool?
        /// The thresholds ask for it, so that a run which misses it fails; nil: it is shown only.
        var isDemanded: Bool?

        /// It was asked for, and missed.
        var isFailure: Bool { isDemanded == true && isMet == false }
    }

    /// Trials of the open model together.
    struct Open: Sendable, Codable, Equatable {
        var model: LoadModel
        var trials: Int
        var offeredPerSecond: Double
        @OrNull var achievedPerSecond: Spread?
        var unsent: Int
        var isSustained: Bool
        @OrNull var successShare: Double?
        /// Times of the measured successes, from sending and from the intended start.
        var serviceUs: Percentiles
        var responseUs: Percentiles
        var serviceCurve: [CurvePoint]
        var responseCurve: [CurvePoint]
    }

    /// Where the mean time of a successful purchase went, in microseconds; they add up to the mean.
    struct Parts: Sendable, Codable, Equatable {
        var waitUs: Double
        var holdUs: Double
        /// In Redis, beside waiting and holding.
        var redisUs: Double
        var sqlUs: Double
        /// HTTP, queues, and everything else.
        var restUs: Double
    }

    var id: String
    /// Trials of any model.
    var trials: Int
    var isRanked: Bool
    @OrNull var notRankedBecause: String?
    /// Rate of the closed trials, as all figures down to `jain`; of the open ones where there are no others.
    @OrNull var purchasesPerSecond: Spread?
    @OrNull var open: Open?
    @OrNull var successShare: Double?
    /// Service time of the measured successes of all trials, from the merged histogram, in microseconds.
    var latencyUs: Percentiles
    /// Where they would lie in another run of as many trials; nil in results of before.
    var latencyIntervalsUs: TrialIntervals?
    var waitUs: Percentiles
    var holdUs: Percentiles
    var redisUs: Percentiles
    var sqlUs: Percentiles
    @OrNull var parts: Parts?
    /// Service time of the successes at rising shares.
    var curve: [CurvePoint]
    /// Attempts of a success and how many needed so many: value, count, value, count, …
    var attemptsHistogram: [UInt64]
    @OrNull var attemptsPerSuccess: Double?
    @OrNull var redisCommandsPerSuccess: Double?
    /// Measured requests by outcome, all trials.
    var measured: [String: Int]
    /// Worst of the trials.
    @OrNull var jain: Double?
    @OrNull var limiter: Limiter?
    /// Nil in the purchase scenario.
    var journey: JourneyResult?
    var ledger: Ledger
    var failedChecks: [FailedCheck]
    var targets: [Target]

    /// What can be said about the stock in one word.
    var stockWord: String {
        if trials == 0 { return "not run" }
        if isViolated { return "wrong" }
        return target(.stock)?.isMet == true ? "exact" : "unknown"
    }

    var isViolated: Bool { failedChecks.contains { $0.kind == .correctness } }

    func target(_ kind: Target.Kind) -> Target? { targets.first { $0.name == kind.rawValue } }
}

extension StrategyResult.Open {
    /// What can be said about the rate in a few words.
    var word: String {
        isSustained ? "sustained" : "rate not sustained"
    }
}
