import BenchAudit
import BenchLoad
import BenchModel
import BenchResults
import BenchStatistics
import Histogram
import LockStrategies

extension StrategyResult {
    /// - Parameter trials: Of this strategy, those that count. The loads of a sweep are not merged: the
    ///   figures are those of the highest closed one.
    init(_ id: StrategyID, _ trials: [FinishedTrial], plan: RunPlan) {
        let open = plan.sweep == nil ? trials.filter(\.planned.model.isOpen) : []
        let most = trials.map(\.planned.users).max()
        let closed = trials.filter { !$0.planned.model.isOpen && $0.planned.users == most }
        let shown = closed.isEmpty ? open : closed
        let records = shown.map(\.record)
        let times = Times(records)
        self.init(
            id: id.rawValue,
            isLock: trials.first.map { $0.planned.strategy.traits.takesLock },
            trials: trials.count,
            isRanked: false,
            notRankedBecause: nil,
            purchasesPerSecond: Spread(records.map(\.purchasesPerSecond)),
            open: Open(open),
            successShare: LoadRecord.successShare(records),
            latencyUs: times.latency,
            latencyIntervalsUs: TrialIntervals(
                around: times.latency,
                trials: records.map {
                    Percentiles($0.latency[BuyerOutcome.success.index], unanswered: $0.unansweredService)
                }),
            waitUs: times.wait,
            holdUs: times.hold,
            redisUs: times.redis,
            sqlUs: times.sql,
            parts: Parts(times),
            curve: CurvePoint.all(times.histogram),
            attemptsHistogram: LoadRecord.merged(records, \.attempts).pairs,
            attemptsPerSuccess: Percentiles(LoadRecord.merged(records, \.attempts)).mean,
            redisCommandsPerSuccess: Percentiles(LoadRecord.merged(records, \.commands)).mean,
            measured: Self.measured(records),
            jain: records.compactMap { Fairness.jain($0.userSuccesses) }.min(),
            limiter: Self.limiter(shown, times),
            journey: JourneyResult(records),
            ledger: Ledger(trials.map(\.facts)),
            failedChecks: Self.notPassed(trials, .fail),
            targets: [])
        targets = Self.targets(self, trials, plan.thresholds)
        notRankedBecause = whyNotRanked(trials, plan)
        isRanked = notRankedBecause == nil
    }

    private static func measured(_ records: [LoadRecord]) -> [String: Int] {
        Dictionary(
            uniqueKeysWithValues: BuyerOutcome.allCases.map { outcome in
                (outcome.rawValue, records.reduce(0) { $0 + $1.measured(outcome) })
            })
    }

    private func whyNotRanked(_ trials: [FinishedTrial], _ plan: RunPlan) -> String? {
        if trials.isEmpty { return "no trial of it counts" }
        if isViolated { return "it sold wrongly" }
        if !failedChecks.isEmpty { return "a check of the measurement failed" }
        if !Self.notPassed(trials, .unknown).isEmpty { return "a check could not be made" }
        if trials.contains(where: { $0.record.total(.soldOut) > 0 }) { return "it sold out" }
        return plan.whyNothingIsRanked
    }

    private static func limiter(_ trials: [FinishedTrial], _ times: Times) -> Limiter? {
        let wall = trials.reduce(0) { $0 + $1.record.wallSeconds }
        guard wall > 0 else { return nil }
        func cores(_ part: (LoadCost) -> Double?) -> Double? {
            let used = trials.compactMap { part($0.cost) }
            return used.count == trials.count ? used.reduce(0, +) / wall : nil
        }
        func share(_ part: Percentiles) -> Double? {
            guard let mean = part.mean, let whole = times.latency.mean, whole > 0 else { return nil }
            return mean / whole
        }
        let isDirect = trials.allSatisfy { $0.facts.generator?.isAlone == false }
        let lags = trials.compactMap { $0.facts.server?.loopLagMs }
        var limiter = Limiter(
            cores: EnvironmentInfo.cores,
            ledger: trials.allSatisfy { $0.postgresVersion != nil } ? .postgres : .sqlite, isDirect: isDirect,
            bench: cores(\.bench), server: cores(\.server), redis: cores(\.redis),
            busiestRedis: cores(\.busiestRedis), waitShare: share(times.wait), sqlShare: share(times.sql),
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
}

extension StrategyResult {
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
                isMet: wrong > 0 ? false : isRead ? true : nil, isDemanded: nil),
        ]
    }
}

/// Where the time of the measured successes of some trials went.
private struct Times {
    /// Service time.
    let histogram: Histogram<UInt64>
    let latency: Percentiles
    let wait: Percentiles
    let hold: Percentiles
    let redis: Percentiles
    let sql: Percentiles

    init(_ records: [LoadRecord]) {
        histogram = LoadRecord.merged(records) { $0.latency[BuyerOutcome.success.index] }
        latency = Percentiles(
            histogram, unanswered: LoadRecord.merged(records, \.unansweredService))
        wait = Percentiles(LoadRecord.merged(records, \.wait))
        hold = Percentiles(LoadRecord.merged(records, \.hold))
        redis = Percentiles(LoadRecord.merged(records, \.redis))
        sql = Percentiles(LoadRecord.merged(records, \.sql))
    }
}

extension StrategyResult.Parts {
    /// - Returns: nil without successes.
    fileprivate init?(_ times: Times) {
        guard let whole = times.latency.mean else { return nil }
        // What a strategy without a lock reports as hold is its one call.
        let (wait, hold, sql) = (times.wait.mean ?? 0, times.hold.mean ?? 0, times.sql.mean ?? 0)
        let redis = max((times.redis.mean ?? 0) - wait - hold, 0)
        self.init(
            waitUs: wait, holdUs: hold, redisUs: redis, sqlUs: sql,
            restUs: max(whole - wait - hold - redis - sql, 0))
    }
}

extension StrategyResult.Open {
    /// - Returns: nil without trials.
    fileprivate init?(_ trials: [FinishedTrial]) {
        guard let first = trials.first else { return nil }
        let records = trials.map(\.record)
        let service = LoadRecord.merged(records) { $0.latency[BuyerOutcome.success.index] }
        let response = LoadRecord.merged(records) { $0.response(.success) }
        self.init(
            model: first.planned.model,
            trials: trials.count,
            offeredPerSecond: first.planned.rate ?? 0,
            achievedPerSecond: Spread(records.map(\.purchasesPerSecond)),
            unsent: records.reduce(0) { $0 + ($1.openAccount?.unsent ?? 0) },
            isSustained: records.allSatisfy { $0.openAccount?.isSustained == true },
            successShare: LoadRecord.successShare(records),
            serviceUs: Percentiles(
                service, unanswered: LoadRecord.merged(records, \.unansweredService)),
            responseUs: Percentiles(
                response, unanswered: LoadRecord.merged(records, \.unansweredResponse)),
            serviceCurve: CurvePoint.all(service),
            responseCurve: CurvePoint.all(response))
    }
}

extension StrategyResult.Ledger {
    fileprivate init(_ facts: [AuditFacts]) {
        let isComplete = { (count: Int) in count == facts.count && !facts.isEmpty }
        let ledgers = facts.compactMap(\.ledger)
        let stocks = facts.compactMap { fact in fact.redis.map { (fact: fact, redis: $0) } }
        let (hasRows, hasStocks) = (isComplete(ledgers.count), isComplete(stocks.count))
        self.init(
            answered: facts.reduce(0) { $0 + $1.answers.success },
            unknown: facts.reduce(0) { $0 + $1.answers.unknown },
            rows: hasRows ? ledgers.reduce(0) { $0 + $1.rows } : nil,
            units: hasRows ? ledgers.reduce(0) { $0 + $1.units } : nil,
            stockLost: hasStocks ? stocks.reduce(0) { $0 + $1.fact.initialStock - $1.redis.stock } : nil,
            openUnits: hasStocks ? stocks.reduce(0) { $0 + $1.redis.openUnits } : nil,
            refusedByLedger: facts.reduce(0) { $0 + $1.answers.oversellRefused })
    }
}
