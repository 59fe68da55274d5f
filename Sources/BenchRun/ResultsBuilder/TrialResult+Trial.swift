import BenchAudit
import BenchLoad
import BenchModel
import BenchResults
import BenchStatistics
import FaultInjection
import Histogram
import LockStrategies
import NIOCore

extension TrialResult {
    init(_ trial: FinishedTrial) {
        let (planned, record, facts) = (trial.planned, trial.record, trial.facts)
        let outcomes = BuyerOutcome.allCases
        let seen = outcomes.filter { record.measured($0) > 0 }
        let responses = planned.model.isOpen ? seen : []
        let stepMs = Double(LoadRecord.sliceLength.nanoseconds) / 1e6
        self.init(
            strategy: planned.strategy.name,
            model: planned.model,
            order: planned.order,
            block: planned.block,
            isControl: planned.isControl,
            initialStock: facts.initialStock,
            warmupSeconds: record.window.lowerBound,
            durationSeconds: planned.duration / .seconds(1),
            measured: Self.each(outcomes) { record.measured($0) },
            totals: Self.each(outcomes) { record.total($0) },
            purchasesPerSecond: record.purchasesPerSecond,
            offer: Offer(planned, record),
            successShare: record.successShare,
            latencyUs: Self.each(seen) {
                Percentiles(
                    record.latency[$0.index],
                    unanswered: $0 == .success ? record.unansweredService : nil)
            },
            responseUs: Self.each(seen) {
                Percentiles(
                    record.response($0), unanswered: $0 == .success ? record.unansweredResponse : nil)
            },
            latencyHistogramUs: Self.each(seen) { record.latency[$0.index].pairs },
            responseHistogramUs: Self.each(responses) { record.response($0).pairs },
            waitUs: Percentiles(record.wait),
            holdUs: Percentiles(record.hold),
            redisUs: Percentiles(record.redis),
            sqlUs: Percentiles(record.sql),
            attempts: Percentiles(record.attempts),
            redisCommands: Percentiles(record.commands),
            userSuccesses: Shares(record.userSuccesses),
            busyShare: record.busyShare,
            reconnections: record.reconnections,
            seriesStepMs: stepMs,
            series: Step.all(record.series, perSecond: 1000 / stepMs),
            generator: Generator(record.generator),
            loadSeconds: record.wallSeconds,
            redisCommandsSeen: facts.commands?.seen,
            holds: facts.holds?.holds,
            holdOverlaps: facts.holds?.overlaps,
            server: ServerSide(facts),
            measurement: Measurement(facts),
            waitHistogramUs: record.wait.pairs,
            holdHistogramUs: record.hold.pairs,
            cpuSeconds: trial.cost,
            audit: Audited(facts),
            products: ProductResult.all(facts, record),
            journey: JourneyResult([record]),
            struck: StruckTrial(trial, stepMs: stepMs),
            checks: trial.checks)
    }

    private static func each<Value>(
        _ outcomes: [BuyerOutcome], _ value: (BuyerOutcome) -> Value
    ) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: outcomes.map { ($0.rawValue, value($0)) })
    }
}

extension StruckTrial {
    /// - Returns: nil where nothing was broken.
    fileprivate init?(_ trial: FinishedTrial, stepMs: Double) {
        guard let strike = trial.strike else { return nil }
        let begin = trial.record.window.lowerBound
        self.init(
            fault: strike.fault.rawValue, struckMs: Double(strike.struck) / 1e6,
            healedMs: Double(strike.healed) / 1e6,
            series: TrialResult.Step.all(trial.record.series, perSecond: 1000 / stepMs), stepMs: stepMs,
            from: begin * 1000, until: (begin + trial.planned.duration / .seconds(1)) * 1000)
    }
}

extension Histogram<UInt64> {
    /// Value, count, value, count, …
    var pairs: [UInt64] { recordedValues().flatMap { [$0.value, $0.count] } }
}

extension TrialResult.Offer {
    /// - Returns: nil of a closed load.
    fileprivate init?(_ planned: PlannedTrial, _ record: LoadRecord) {
        guard let account = record.openAccount else { return nil }
        self.init(
            ratePerSecond: planned.rate ?? 0, offered: account.offered, sentInWindow: account.sentInWindow,
            unsent: account.unsent, isSustained: account.isSustained)
    }
}

extension TrialResult.Shares {
    fileprivate init(_ successes: [Int]) {
        self.init(
            min: successes.min() ?? 0, max: successes.max() ?? 0, jain: Fairness.jain(successes),
            counts: successes)
    }
}

extension TrialResult.Step {
    fileprivate static func all(_ series: LoadSeries, perSecond: Double) -> [Self] {
        var sold = 0
        return series.steps.map { step in
            sold += step.successes
            return Self(
                successes: step.successes, perSecond: Double(step.successes) * perSecond, soldSoFar: sold,
                refusals: step.refusals, errors: step.errors, p50Us: step.p50Microseconds.map { Double($0) },
                p99Us: step.p99Microseconds.map { Double($0) }, slowestUs: Double(step.slowestMicroseconds))
        }
    }
}

extension TrialResult.ServerSide {
    /// - Returns: nil where no server was asked.
    fileprivate init?(_ facts: AuditFacts) {
        guard let server = facts.server else { return nil }
        self.init(
            countedSales: server.sold, countedRefusals: server.refused, loopLagMs: server.loopLagMs,
            logLines: server.linesWritten)
    }
}

extension TrialResult.Audited {
    fileprivate init(_ facts: AuditFacts) {
        self.init(
            initialStock: facts.initialStock, answeredSuccess: facts.answers.success,
            answeredOversellRefused: facts.answers.oversellRefused, unknown: facts.answers.unknown,
            rows: facts.ledger?.rows, unitsSold: facts.ledger?.units, supplied: facts.ledger?.supplied,
            finalStock: facts.redis?.stock, openReservations: facts.redis?.openReservations,
            openUnits: facts.redis?.openUnits, unclearedReservations: facts.redis?.unclearedReservations,
            duplicates: facts.ledger?.duplicates)
    }
}

extension TrialResult.Measurement {
    fileprivate init(_ facts: AuditFacts) {
        self.init(
            generatorProcessor: facts.generator?.processorShare, sockets: facts.generator?.sockets,
            socketLimit: facts.generator?.socketLimit, arrivalStatistic: facts.arrivals?.statistic,
            arrivalGapsDistance: facts.arrivals?.gapsDistance, driftRatio: facts.drift?.ratio,
            driftStatistic: facts.drift?.statistic, heldShare: facts.heldShare,
            serverPeakBytes: facts.server?.peakBytes)
    }
}

extension TrialResult.Generator {
    fileprivate init(_ record: GeneratorRecord) {
        let pauses = record.pauses.map { pause in
            Pause(atMs: Double(pause.at.nanoseconds) / 1e6, lengthMs: Double(pause.length.nanoseconds) / 1e6)
        }
        self.init(
            lateUs: Percentiles(record.late), lagUs: Percentiles(record.lag),
            queueUs: Percentiles(record.queue),
            longestPauseMs: Double(record.longestPause.nanoseconds) / 1e6, pauses: pauses)
    }
}

extension ProductResult {
    /// - Returns: nil when there was one product.
    fileprivate static func all(_ facts: AuditFacts, _ record: LoadRecord) -> [ProductResult]? {
        if facts.products.isEmpty { return nil }
        return zip(facts.products, record.products).map { product, tally in
            ProductResult(product, tally, wallSeconds: record.wallSeconds)
        }
    }

    fileprivate init(_ product: AuditFacts.Product, _ tally: ProductTally, wallSeconds: Double) {
        self.init(
            number: product.number, initialStock: product.initialStock,
            answeredSuccess: product.answers.success, unknown: product.answers.unknown,
            rows: product.ledger?.rows, unitsSold: product.ledger?.units, finalStock: product.redis?.stock,
            openUnits: product.redis?.openUnits,
            heldShare: wallSeconds > 0 ? Double(tally.heldMicroseconds) / 1e6 / wallSeconds : nil)
    }
}
