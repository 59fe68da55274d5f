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
        var name: String
        var limit: String
        var measured: String
        /// Nil: could not be measured.
        @OrNull var isMet: Bool?
    }

    var id: String
    var trials: Int
    var isRanked: Bool
    @OrNull var notRankedBecause: String?
    @OrNull var purchasesPerSecond: Spread?
    @OrNull var successShare: Double?
    /// Of the measured successes of all trials, from the merged histogram, in microseconds.
    var latencyUs: Percentiles
    var waitUs: Percentiles
    var holdUs: Percentiles
    var redisUs: Percentiles
    var sqlUs: Percentiles
    @OrNull var attemptsPerSuccess: Double?
    @OrNull var redisCommandsPerSuccess: Double?
    /// Measured requests by outcome, all trials.
    var measured: [String: Int]
    /// Worst of the trials.
    @OrNull var jain: Double?
    var ledger: Ledger
    var failedChecks: [String]
    var targets: [Target]

    /// What can be said about the stock in one word.
    var stockWord: String {
        if trials == 0 { return "not run" }
        if isViolated { return "wrong" }
        return targets.last?.isMet == true ? "exact" : "unknown"
    }

    var isViolated: Bool { failedChecks.contains { $0.hasPrefix("correctness:") } }
}

extension StrategyResult {
    init(_ id: StrategyID, _ trials: [FinishedTrial], isQuick: Bool) {
        self.id = id.rawValue
        self.trials = trials.count
        let records = trials.map(\.record)
        purchasesPerSecond = Spread(records.map(\.purchasesPerSecond))
        let requests = records.reduce(0) { $0 + $1.measuredRequests }
        let successes = records.reduce(0) { $0 + $1.measured(.success) }
        successShare = requests > 0 ? Double(successes) / Double(requests) : nil
        func merged(_ part: (LoadRecord) -> Histogram<UInt64>) -> Histogram<UInt64> {
            var sum = LoadRecord.histogram()
            for record in records { sum.add(part(record)) }
            return sum
        }
        latencyUs = Percentiles(merged { $0.latency[PurchaseOutcome.success.index] })
        waitUs = Percentiles(merged(\.wait))
        holdUs = Percentiles(merged(\.hold))
        redisUs = Percentiles(merged(\.redis))
        sqlUs = Percentiles(merged(\.sql))
        attemptsPerSuccess = Percentiles(merged(\.attempts)).mean
        redisCommandsPerSuccess = Percentiles(merged(\.commands)).mean
        measured = Dictionary(
            uniqueKeysWithValues: PurchaseOutcome.allCases.map { outcome in
                (outcome.rawValue, records.reduce(0) { $0 + $1.measured(outcome) })
            })
        jain = records.compactMap { Fairness.jain($0.userSuccesses) }.min()
        ledger = Ledger(trials.map(\.facts))
        failedChecks = Self.notPassed(trials, .fail)
        let unread = Self.notPassed(trials, .unknown)
        let isSoldOut = records.contains { $0.total(.soldOut) > 0 }
        let reason =
            trials.isEmpty
            ? "no trial was finished"
            : failedChecks.contains { $0.hasPrefix("correctness:") }
                ? "it sold wrongly"
                : !failedChecks.isEmpty
                    ? "a check of the measurement failed"
                    : !unread.isEmpty
                        ? "a check could not be made"
                        : isSoldOut
                            ? "it sold out"
                            : isQuick ? "a quick run ranks nothing" : nil
        notRankedBecause = reason
        isRanked = reason == nil
        targets = []
        targets = Self.targets(self, trials)
    }

    private static func notPassed(_ trials: [FinishedTrial], _ state: Check.State) -> [String] {
        var found: [String] = []
        for check in trials.flatMap(\.checks) where check.state == state {
            let name = "\(check.kind.rawValue):\(check.id)"
            if !found.contains(name) { found.append(name) }
        }
        return found
    }

    private static func targets(_ result: StrategyResult, _ trials: [FinishedTrial]) -> [Target] {
        let p95 = result.latencyUs.p95
        let share = result.successShare
        let checks = trials.flatMap(\.checks).filter { $0.kind == .correctness }
        let isRead = !checks.isEmpty && !checks.contains { $0.state == .unknown }
        let wrong = checks.count { $0.state == .fail }
        return [
            Target(
                name: "p95 of a purchase", limit: "< 100 ms",
                measured: "\(Text.milliseconds(p95)) ms", isMet: p95.map { $0 < 100_000 }),
            Target(
                name: "purchases that succeed", limit: "> 95 %", measured: Text.percent(share),
                isMet: share.map { $0 > 0.95 }),
            Target(
                name: "stock exact", limit: "every check passes",
                measured: isRead ? "\(checks.count - wrong) of \(checks.count) checks" : "-",
                isMet: wrong > 0 ? false : isRead ? true : nil),
        ]
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
