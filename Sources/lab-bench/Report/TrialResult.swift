import Histogram
import LockStrategies
import NIOCore

/// One trial as it stands in `results.json`.
struct TrialResult: Sendable, Codable, Equatable {
    struct Audited: Sendable, Codable, Equatable {
        var initialStock: Int
        var answeredSuccess: Int
        var answeredOversellRefused: Int
        var unknown: Int
        @OrNull var rows: Int?
        @OrNull var unitsSold: Int?
        @OrNull var supplied: Int?
        @OrNull var finalStock: Int?
        @OrNull var openReservations: Int?
        @OrNull var openUnits: Int?
        @OrNull var unclearedReservations: Int?
        @OrNull var duplicates: Int?
    }

    struct Shares: Sendable, Codable, Equatable {
        var min: Int
        var max: Int
        @OrNull var jain: Double?
    }

    struct Step: Sendable, Codable, Equatable {
        var successes: Int
        var refusals: Int
        var errors: Int
        var slowestUs: Double
    }

    var strategy: String
    var order: Int
    /// Round, from 1; 0 for a negative control.
    var block: Int
    var isControl: Bool
    var initialStock: Int
    var warmupSeconds: Double
    var durationSeconds: Double
    /// Requests that were sent in the measured window, by outcome.
    var measured: [String: Int]
    /// All answers, warm-up and drain included, by outcome.
    var totals: [String: Int]
    var purchasesPerSecond: Double
    /// Successes of all measured requests.
    @OrNull var successShare: Double?
    /// Service time in microseconds by outcome.
    var latencyUs: [String: Percentiles]
    /// The histograms behind `latencyUs`: value, count, value, count, …
    var latencyHistogramUs: [String: [UInt64]]
    var waitUs: Percentiles
    var holdUs: Percentiles
    var redisUs: Percentiles
    var sqlUs: Percentiles
    var attempts: Percentiles
    var redisCommands: Percentiles
    var userSuccesses: Shares
    var busyShare: Double
    var reconnections: Int
    /// From the first request on.
    var seriesStepMs: Double
    var series: [Step]
    var cpuSeconds: LoadCost
    var audit: Audited
    var checks: [Check]

    /// A buyer was told "sold out": the numbers are not about selling any more.
    var isSoldOut: Bool { (totals[PurchaseOutcome.soldOut.rawValue] ?? 0) > 0 }

    var violations: [Check] { checks.filter { $0.kind == .correctness && $0.state == .fail } }
}

extension TrialResult {
    init(_ trial: FinishedTrial) {
        let (planned, record) = (trial.planned, trial.record)
        strategy = planned.strategy.rawValue
        order = planned.order
        block = planned.block
        isControl = planned.isControl
        initialStock = planned.stock
        warmupSeconds = planned.warmup / .seconds(1)
        durationSeconds = planned.duration / .seconds(1)
        let outcomes = PurchaseOutcome.allCases
        measured = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.rawValue, record.measured($0)) })
        totals = Dictionary(uniqueKeysWithValues: outcomes.map { ($0.rawValue, record.total($0)) })
        purchasesPerSecond = record.purchasesPerSecond
        successShare = record.successShare
        let seen = outcomes.filter { record.measured($0) > 0 }
        latencyUs = Dictionary(
            uniqueKeysWithValues: seen.map { ($0.rawValue, Percentiles(record.latency[$0.index])) })
        latencyHistogramUs = Dictionary(
            uniqueKeysWithValues: seen.map { ($0.rawValue, Self.pairs(record.latency[$0.index])) })
        waitUs = Percentiles(record.wait)
        holdUs = Percentiles(record.hold)
        redisUs = Percentiles(record.redis)
        sqlUs = Percentiles(record.sql)
        attempts = Percentiles(record.attempts)
        redisCommands = Percentiles(record.commands)
        userSuccesses = Shares(
            min: record.userSuccesses.min() ?? 0, max: record.userSuccesses.max() ?? 0,
            jain: Fairness.jain(record.userSuccesses))
        busyShare = record.busyShare
        reconnections = record.reconnections
        seriesStepMs = Double(LoadRecord.sliceLength.nanoseconds) / 1e6
        series = record.slices.map { slice in
            Step(
                successes: slice.successes, refusals: slice.refusals, errors: slice.errors,
                slowestUs: Double(slice.slowestMicroseconds))
        }
        cpuSeconds = trial.cost
        audit = Audited(trial.facts)
        checks = trial.checks
    }

    private static func pairs(_ histogram: Histogram<UInt64>) -> [UInt64] {
        histogram.recordedValues().flatMap { [$0.value, $0.count] }
    }
}

extension TrialResult.Audited {
    init(_ facts: AuditFacts) {
        initialStock = facts.initialStock
        answeredSuccess = facts.answers.success
        answeredOversellRefused = facts.answers.oversellRefused
        unknown = facts.answers.unknown
        rows = facts.ledger?.rows
        unitsSold = facts.ledger?.units
        supplied = facts.ledger?.supplied
        finalStock = facts.redis?.stock
        openReservations = facts.redis?.openReservations
        openUnits = facts.redis?.openUnits
        unclearedReservations = facts.redis?.unclearedReservations
        duplicates = facts.ledger?.duplicates
    }
}

extension LoadRecord {
    var purchasesPerSecond: Double {
        Double(measured(.success)) * 1e9 / Double(duration.nanoseconds)
    }

    var successShare: Double? {
        measuredRequests > 0 ? Double(measured(.success)) / Double(measuredRequests) : nil
    }
}
