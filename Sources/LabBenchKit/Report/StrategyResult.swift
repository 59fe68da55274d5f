import Histogram
import LockStrategies

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

extension StrategyResult {
    /// - Parameter trials: Of this strategy, those that count. The loads of a sweep are not merged: the figures are
    ///   those of the highest closed one.
    init(_ id: StrategyID, _ trials: [FinishedTrial], plan: RunPlan) {
        self.id = id.rawValue
        self.trials = trials.count
        let open = plan.sweep == nil ? trials.filter(\.planned.model.isOpen) : []
        let most = trials.map(\.planned.users).max()
        let closed = trials.filter { !$0.planned.model.isOpen && $0.planned.users == most }
        self.open = Open(open)
        let records = (closed.isEmpty ? open : closed).map(\.record)
        purchasesPerSecond = Spread(records.map(\.purchasesPerSecond))
        let requests = records.reduce(0) { $0 + $1.measuredRequests }
        let successes = records.reduce(0) { $0 + $1.measured(.success) }
        successShare = requests > 0 ? Double(successes) / Double(requests) : nil
        func merged(_ part: (LoadRecord) -> Histogram<UInt64>) -> Histogram<UInt64> {
            LoadRecord.merged(records, part)
        }
        let latency = merged { $0.latency[PurchaseOutcome.success.index] }
        latencyUs = Percentiles(latency)
        latencyIntervalsUs = TrialIntervals(
            around: latencyUs, trials: records.map { Percentiles($0.latency[PurchaseOutcome.success.index]) })
        curve = CurvePoint.all(latency)
        attemptsHistogram = merged(\.attempts).recordedValues().flatMap { [$0.value, $0.count] }
        waitUs = Percentiles(merged(\.wait))
        holdUs = Percentiles(merged(\.hold))
        redisUs = Percentiles(merged(\.redis))
        sqlUs = Percentiles(merged(\.sql))
        parts = Parts(latency: latencyUs, wait: waitUs, hold: holdUs, redis: redisUs, sql: sqlUs)
        attemptsPerSuccess = Percentiles(merged(\.attempts)).mean
        redisCommandsPerSuccess = Percentiles(merged(\.commands)).mean
        measured = Dictionary(
            uniqueKeysWithValues: PurchaseOutcome.allCases.map { outcome in
                (outcome.rawValue, records.reduce(0) { $0 + $1.measured(outcome) })
            })
        jain = records.compactMap { Fairness.jain($0.userSuccesses) }.min()
        limiter = Self.limiter(closed.isEmpty ? open : closed, wait: waitUs, sql: sqlUs, latency: latencyUs)
        journey = JourneyResult(records)
        ledger = Ledger(trials.map(\.facts))
        failedChecks = Self.notPassed(trials, .fail)
        notRankedBecause = nil
        isRanked = false
        targets = []
        targets = Self.targets(self, trials, plan.thresholds)
        notRankedBecause = whyNotRanked(trials, plan)
        isRanked = notRankedBecause == nil
    }

    private func whyNotRanked(_ trials: [FinishedTrial], _ plan: RunPlan) -> String? {
        if trials.isEmpty { return "no trial of it counts" }
        if isViolated { return "it sold wrongly" }
        if !failedChecks.isEmpty { return "a check of the measurement failed" }
        if !Self.notPassed(trials, .unknown).isEmpty { return "a check could not be made" }
        if trials.contains(where: { $0.record.total(.soldOut) > 0 }) { return "it sold out" }
        return plan.whyNothingIsRanked
    }

    private static func limiter(
        _ trials: [FinishedTrial], wait: Percentiles, sql: Percentiles, latency: Percentiles
    ) -> Limiter? {
        let wall = trials.reduce(0) { $0 + $1.record.wallSeconds }
        guard wall > 0 else { return nil }
        func cores(_ part: (LoadCost) -> Double?) -> Double? {
            let used = trials.compactMap { part($0.cost) }
            return used.count == trials.count ? used.reduce(0, +) / wall : nil
        }
        func share(_ part: Percentiles) -> Double? {
            guard let mean = part.mean, let whole = latency.mean, whole > 0 else { return nil }
            return mean / whole
        }
        let isDirect = trials.allSatisfy { $0.facts.generator?.isAlone == false }
        let lags = trials.compactMap { $0.facts.server?.loopLagMs }
        var limiter = Limiter(
            cores: EnvironmentInfo.cores, isDirect: isDirect,
            bench: cores(\.bench), server: cores(\.server), redis: cores(\.redis),
            busiestRedis: cores(\.busiestRedis), waitShare: share(wait), sqlShare: share(sql),
            // Trials are of one length, so their means weigh the same.
            loopLagMs: lags.isEmpty ? nil : lags.reduce(0, +) / Double(lags.count))
        let sold = trials.reduce(0) { $0 + $1.record.total(.success) }
        if let service = isDirect ? limiter.benchCores : limiter.serverCores, sold > 0 {
            limiter.cpuMsPerSuccess = (service + (limiter.redisCores ?? 0)) * wall * 1000 / Double(sold)
        }
        return limiter
    }

    private static func notPassed(_ trials: [FinishedTrial], _ state: Check.State) -> [FailedCheck] {
        trials.flatMap(\.checks).filter { $0.state == state }
            .map { FailedCheck(kind: $0.kind, id: $0.id) }.removingDuplicates()
    }

    private static func targets(
        _ result: StrategyResult, _ trials: [FinishedTrial], _ thresholds: Thresholds
    ) -> [Target] {
        let p95 = result.latencyUs.p95
        let share = result.successShare
        let checks = trials.flatMap(\.checks).filter { $0.kind == .correctness }
            .filter { $0.state != .notChecked }
        let isRead = !checks.isEmpty && !checks.contains { $0.state == .unknown }
        let wrong = checks.count { $0.state == .fail }
        return [
            Target(
                name: Target.Kind.p95.rawValue, limit: "< \(Text.number(thresholds.p95Ms)) ms",
                measured: "\(Text.milliseconds(p95)) ms", isMet: p95.map { $0 < thresholds.p95Ms * 1000 },
                isDemanded: thresholds.demanded?.contains(.p95Ms)),
            Target(
                name: Target.Kind.success.rawValue, limit: "> \(Text.number(thresholds.successPercent)) %",
                measured: Text.percent(share),
                isMet: share.map { $0 > thresholds.successPercent / 100 },
                isDemanded: thresholds.demanded?.contains(.successPercent)),
            Target(
                name: Target.Kind.stock.rawValue, limit: "every check passes",
                measured: isRead ? "\(checks.count - wrong) of \(checks.count) checks" : "-",
                isMet: wrong > 0 ? false : isRead ? true : nil),
        ]
    }
}

extension StrategyResult.Parts {
    /// - Returns: nil without successes.
    init?(latency: Percentiles, wait: Percentiles, hold: Percentiles, redis: Percentiles, sql: Percentiles) {
        guard let whole = latency.mean else { return nil }
        waitUs = wait.mean ?? 0
        // What a strategy without a lock reports as hold is its one call.
        holdUs = hold.mean ?? 0
        redisUs = max((redis.mean ?? 0) - waitUs - holdUs, 0)
        sqlUs = sql.mean ?? 0
        restUs = max(whole - waitUs - holdUs - redisUs - sqlUs, 0)
    }
}

extension StrategyResult.Open {
    /// - Returns: nil without trials.
    init?(_ trials: [FinishedTrial]) {
        guard let first = trials.first else { return nil }
        let records = trials.map(\.record)
        model = first.planned.model
        self.trials = trials.count
        offeredPerSecond = first.planned.rate ?? 0
        achievedPerSecond = Spread(records.map(\.purchasesPerSecond))
        unsent = records.reduce(0) { $0 + ($1.openAccount?.unsent ?? 0) }
        isSustained = records.allSatisfy { $0.openAccount?.isSustained == true }
        let requests = records.reduce(0) { $0 + $1.measuredRequests }
        let successes = records.reduce(0) { $0 + $1.measured(.success) }
        successShare = requests > 0 ? Double(successes) / Double(requests) : nil
        let service = LoadRecord.merged(records) { $0.latency[PurchaseOutcome.success.index] }
        let response = LoadRecord.merged(records) { $0.response(.success) }
        (serviceUs, responseUs) = (Percentiles(service), Percentiles(response))
        (serviceCurve, responseCurve) = (CurvePoint.all(service), CurvePoint.all(response))
    }

    /// What can be said about the rate in a few words.
    var word: String {
        isSustained ? "sustained" : "rate not sustained"
    }
}

extension LoadRecord {
    /// Histograms are merged; percentiles are never averaged.
    static func merged(
        _ records: [LoadRecord], _ part: (LoadRecord) -> Histogram<UInt64>
    ) -> Histogram<UInt64> {
        var sum = histogram()
        for record in records { sum.add(part(record)) }
        return sum
    }
}

extension StrategyResult.Ledger {
    init(_ facts: [AuditFacts]) {
        answered = facts.reduce(0) { $0 + $1.answers.success }
        unknown = facts.reduce(0) { $0 + $1.answers.unknown }
        refusedByLedger = facts.reduce(0) { $0 + $1.answers.oversellRefused }
        let ledgers = facts.compactMap(\.ledger)
        if ledgers.count == facts.count && !facts.isEmpty {
            rows = ledgers.reduce(0) { $0 + $1.rows }
            units = ledgers.reduce(0) { $0 + $1.units }
        }
        let stocks = facts.compactMap { fact in
            fact.redis.map { (fact.initialStock - $0.stock, $0.openUnits) }
        }
        if stocks.count == facts.count && !facts.isEmpty {
            stockLost = stocks.reduce(0) { $0 + $1.0 }
            openUnits = stocks.reduce(0) { $0 + $1.1 }
        }
    }
}
