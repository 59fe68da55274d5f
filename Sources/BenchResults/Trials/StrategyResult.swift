package import BenchModel
package import BenchStatistics

/// What all trials of one strategy say together.
package struct StrategyResult: Sendable, Codable, Equatable {
    /// Sums over all trials; each row closes: rows = answered (+ unknown), lost - open = units.
    package struct Ledger: Sendable, Codable, Equatable {
        package var answered: Int
        package var unknown: Int
        @OrNull package var rows: Int?
        @OrNull package var units: Int?
        @OrNull package var stockLost: Int?
        @OrNull package var openUnits: Int?
        package var refusedByLedger: Int

        package init(
            answered: Int = 0, unknown: Int = 0, rows: Int? = nil, units: Int? = nil, stockLost: Int? = nil,
            openUnits: Int? = nil, refusedByLedger: Int = 0
        ) {
            self.answered = answered
            self.unknown = unknown
            self.rows = rows
            self.units = units
            self.stockLost = stockLost
            self.openUnits = openUnits
            self.refusedByLedger = refusedByLedger
        }
    }

    /// A line of the wish list.
    package struct Target: Sendable, Codable, Equatable {
        /// Its name, as it stands in results.json.
        package enum Kind: String, Sendable, CaseIterable {
            case p95 = "p95 of a purchase"
            case success = "purchases that succeed"
            case stock = "stock exact"
        }

        package var name: String
        package var limit: String
        package var measured: String
        /// Nil: could not be measured.
        @OrNull package var isMet: Bool?
        /// The thresholds ask for it, so that a run which misses it fails; nil: it is shown only.
        package var isDemanded: Bool?

        package init(name: String, limit: String, measured: String, isMet: Bool?, isDemanded: Bool? = nil) {
            self.name = name
            self.limit = limit
            self.measured = measured
            self.isMet = isMet
            self.isDemanded = isDemanded
        }

        /// It was asked for, and missed.
        package var isFailure: Bool { isDemanded == true && isMet == false }
    }

    /// Trials of the open model together.
    package struct Open: Sendable, Codable, Equatable {
        package var model: LoadModel
        package var trials: Int
        package var offeredPerSecond: Double
        @OrNull package var achievedPerSecond: Spread?
        package var unsent: Int
        package var isSustained: Bool
        @OrNull package var successShare: Double?
        /// Times of the measured successes, from sending and from the intended start.
        package var serviceUs: Percentiles
        package var responseUs: Percentiles
        package var serviceCurve: [CurvePoint]
        package var responseCurve: [CurvePoint]

        package init(
            model: LoadModel, trials: Int, offeredPerSecond: Double, achievedPerSecond: Spread?, unsent: Int,
            isSustained: Bool, successShare: Double?, serviceUs: Percentiles, responseUs: Percentiles,
            serviceCurve: [CurvePoint], responseCurve: [CurvePoint]
        ) {
            self.model = model
            self.trials = trials
            self.offeredPerSecond = offeredPerSecond
            self.achievedPerSecond = achievedPerSecond
            self.unsent = unsent
            self.isSustained = isSustained
            self.successShare = successShare
            self.serviceUs = serviceUs
            self.responseUs = responseUs
            self.serviceCurve = serviceCurve
            self.responseCurve = responseCurve
        }
    }

    /// Where the mean time of a successful purchase went, in microseconds; they add up to the mean.
    package struct Parts: Sendable, Codable, Equatable {
        package var waitUs: Double
        package var holdUs: Double
        /// In Redis, beside waiting and holding.
        package var redisUs: Double
        package var sqlUs: Double
        /// HTTP, queues, and everything else.
        package var restUs: Double

        package init(waitUs: Double, holdUs: Double, redisUs: Double, sqlUs: Double, restUs: Double) {
            self.waitUs = waitUs
            self.holdUs = holdUs
            self.redisUs = redisUs
            self.sqlUs = sqlUs
            self.restUs = restUs
        }
    }

    package var id: String
    /// It takes a lock; nil in results of before (``takesLock``).
    package var isLock: Bool?
    /// Trials of any model.
    package var trials: Int
    package var isRanked: Bool
    @OrNull package var notRankedBecause: String?
    /// Rate of the closed trials, as all figures down to `jain`; of the open ones where there are no others.
    @OrNull package var purchasesPerSecond: Spread?
    @OrNull package var open: Open?
    @OrNull package var successShare: Double?
    /// Service time of the measured successes of all trials, from the merged histogram, in microseconds.
    package var latencyUs: Percentiles
    /// Where they would lie in another run of as many trials; nil in results of before.
    package var latencyIntervalsUs: TrialIntervals?
    package var waitUs: Percentiles
    package var holdUs: Percentiles
    package var redisUs: Percentiles
    package var sqlUs: Percentiles
    @OrNull package var parts: Parts?
    /// Service time of the successes at rising shares.
    package var curve: [CurvePoint]
    /// Attempts of a success and how many needed so many: value, count, value, count, …
    package var attemptsHistogram: [UInt64]
    @OrNull package var attemptsPerSuccess: Double?
    @OrNull package var redisCommandsPerSuccess: Double?
    /// Measured requests by outcome, all trials.
    package var measured: [String: Int]
    /// Worst of the trials.
    @OrNull package var jain: Double?
    @OrNull package var limiter: Limiter?
    /// Nil in the purchase scenario.
    package var journey: JourneyResult?
    package var ledger: Ledger
    package var failedChecks: [FailedCheck]
    package var targets: [Target]

    package init(
        id: String, isLock: Bool? = nil, trials: Int, isRanked: Bool, notRankedBecause: String?,
        purchasesPerSecond: Spread?, open: Open?, successShare: Double?, latencyUs: Percentiles,
        latencyIntervalsUs: TrialIntervals? = nil,
        waitUs: Percentiles, holdUs: Percentiles, redisUs: Percentiles, sqlUs: Percentiles, parts: Parts?,
        curve: [CurvePoint], attemptsHistogram: [UInt64], attemptsPerSuccess: Double?,
        redisCommandsPerSuccess: Double?, measured: [String: Int], jain: Double?, limiter: Limiter?,
        journey: JourneyResult? = nil, ledger: Ledger, failedChecks: [FailedCheck], targets: [Target]
    ) {
        self.id = id
        self.isLock = isLock
        self.trials = trials
        self.isRanked = isRanked
        self.notRankedBecause = notRankedBecause
        self.purchasesPerSecond = purchasesPerSecond
        self.open = open
        self.successShare = successShare
        self.latencyUs = latencyUs
        self.latencyIntervalsUs = latencyIntervalsUs
        self.waitUs = waitUs
        self.holdUs = holdUs
        self.redisUs = redisUs
        self.sqlUs = sqlUs
        self.parts = parts
        self.curve = curve
        self.attemptsHistogram = attemptsHistogram
        self.attemptsPerSuccess = attemptsPerSuccess
        self.redisCommandsPerSuccess = redisCommandsPerSuccess
        self.measured = measured
        self.jain = jain
        self.limiter = limiter
        self.journey = journey
        self.ledger = ledger
        self.failedChecks = failedChecks
        self.targets = targets
    }

    /// What can be said about the stock in one word.
    package var stockWord: String {
        if trials == 0 { return "not run" }
        if isViolated { return "wrong" }
        return target(.stock)?.isMet == true ? "exact" : "unknown"
    }

    /// What results of before were made with: they do not say who takes a lock.
    private static let earlierLocks: Set = [
        "setnx-spin", "setnx-backoff", "setnx-notify", "fenced", "redlock",
    ]

    /// Somebody who wants to buy waits until nobody else holds the lock, so its hold is one.
    package var takesLock: Bool { isLock ?? Self.earlierLocks.contains(id) }

    package var isViolated: Bool { failedChecks.contains { $0.kind == .correctness } }

    package func target(_ kind: Target.Kind) -> Target? { targets.first { $0.name == kind.rawValue } }
}

extension StrategyResult.Open {
    /// What can be said about the rate in a few words.
    package var word: String {
        isSustained ? "sustained" : "rate not sustained"
    }
}
