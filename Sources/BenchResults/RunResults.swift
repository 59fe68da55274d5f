package import BenchModel
package import BenchStatistics
package import Foundation
import Histogram

/// Everything that a run found: what `results.json` holds and what every other output is drawn from.
package struct RunResults: Sendable, Codable, Equatable {
    package static let currentSchema = "2.9"

    package struct Run: Sendable, Codable, Equatable {
        package var id: String
        /// Version of lab-bench; nil in results of before.
        package var toolVersion: String?
        package var started: Date
        package var ended: Date
        package var command: String
        package var seed: UInt64
        @OrNull package var gitCommit: String?
        /// `complete`, `interrupted` or `failed`.
        package var status: String
        @OrNull package var failure: String?
        /// The comparison that this run is one half of: the trials of each round were run one right after the
        /// other. Nil: it was run by itself.
        package var pair: String?
        /// How often its trials could be judged before the last of them was run (`--until`); nil: once.
        package var looks: Int?

        package init(
            id: String, toolVersion: String? = nil, started: Date, ended: Date, command: String, seed: UInt64,
            gitCommit: String?, status: String, failure: String?,
            pair: String? = nil
        ) {
            self.id = id
            self.toolVersion = toolVersion
            self.started = started
            self.ended = ended
            self.command = command
            self.seed = seed
            self.gitCommit = gitCommit
            self.status = status
            self.failure = failure
            self.pair = pair
        }
    }

    package struct Workload: Sendable, Codable, Equatable {
        package var scenario: Scenario
        package var mode: RunMode
        package var models: [LoadModel]
        /// As asked for; null when the run chose it.
        @OrNull package var ratePerSecond: Double?
        package var openDurationSeconds: Double
        package var users: Int
        package var rounds: Int
        /// Rounds of the open load beside the closed one; nil in results of before.
        package var openRounds: Int?
        package var warmupSeconds: Double
        package var durationSeconds: Double
        package var drainLimitSeconds: Double
        package var stock: Int
        package var controlStock: Int
        package var controlDurationSeconds: Double
        package var products: Int
        /// Exponent of the demand's distribution, and the share of it that the hottest product draws; nil for
        /// one product.
        package var skew: Double?
        package var hotProductShare: Double?
        /// Address of a server that was running already; nil: one was started for each trial.
        package var target: String?
        package var strategies: [String]
        package var controls: [String]
        package var isQuick: Bool
        /// What struck each trial of a real strategy; nil: nothing.
        package var fault: String?
        /// From the begin of the measured window, and how long; nil without a fault.
        package var faultAtSeconds: Double?
        package var faultForSeconds: Double?
        /// Against which targets and pairs were judged.
        package var thresholds: Thresholds

        package init(
            scenario: Scenario, mode: RunMode, models: [LoadModel], ratePerSecond: Double?,
            openDurationSeconds: Double, users: Int, rounds: Int, openRounds: Int? = nil,
            warmupSeconds: Double, durationSeconds: Double, drainLimitSeconds: Double, stock: Int,
            controlStock: Int, controlDurationSeconds: Double, products: Int, skew: Double? = nil,
            hotProductShare: Double? = nil, target: String? = nil, strategies: [String], controls: [String],
            isQuick: Bool, fault: String? = nil, faultAtSeconds: Double? = nil,
            faultForSeconds: Double? = nil,
            thresholds: Thresholds
        ) {
            self.scenario = scenario
            self.mode = mode
            self.models = models
            self.ratePerSecond = ratePerSecond
            self.openDurationSeconds = openDurationSeconds
            self.users = users
            self.rounds = rounds
            self.openRounds = openRounds
            self.warmupSeconds = warmupSeconds
            self.durationSeconds = durationSeconds
            self.drainLimitSeconds = drainLimitSeconds
            self.stock = stock
            self.controlStock = controlStock
            self.controlDurationSeconds = controlDurationSeconds
            self.products = products
            self.skew = skew
            self.hotProductShare = hotProductShare
            self.target = target
            self.strategies = strategies
            self.controls = controls
            self.isQuick = isQuick
            self.fault = fault
            self.faultAtSeconds = faultAtSeconds
            self.faultForSeconds = faultForSeconds
            self.thresholds = thresholds
        }
    }

    package struct System: Sendable, Codable, Equatable {
        @OrNull package var redis: RedisSystem?
        /// `started by the bench` or `named by --redis`.
        package var redisOrigin: String
        package var lockNodes: Int
        @OrNull package var sqliteVersion: String?
        @OrNull package var sqliteJournalMode: String?
        /// Belongs to a connection, not to the file, so the audit cannot read it: what the server vouches
        /// for.
        package var sqliteSynchronous: String
        /// lab-server processes in each trial, and what their ledger is on; nil in results of before 2.8.
        package var servers: Int?
        package var database: LedgerEngine?
        /// Nil: the ledger was not on PostgreSQL.
        package var postgresVersion: String?
        /// Null in direct mode, in which nobody serves and nobody logs in.
        @OrNull package var serverArguments: [String]?
        @OrNull package var bcryptCost: Int?
        package var leaseTtlMs: Double
        package var purchaseDeadlineMs: Double
        /// Conditions of each strategy and control of the run.
        package var conditions: [StrategyConditions]
        /// Locks in other languages; nil: there was none.
        package var drivers: [DriverConditions]?
        /// What the way to them costs; nil without drivers.
        package var driverPipe: PipeCost?

        package init(
            redis: RedisSystem?, redisOrigin: String, lockNodes: Int, sqliteVersion: String?,
            sqliteJournalMode: String?, sqliteSynchronous: String, serverArguments: [String]?,
            bcryptCost: Int?, leaseTtlMs: Double, purchaseDeadlineMs: Double,
            conditions: [StrategyConditions], servers: Int? = nil, database: LedgerEngine? = nil,
            postgresVersion: String? = nil, drivers: [DriverConditions]? = nil,
            driverPipe: PipeCost? = nil
        ) {
            self.servers = servers
            self.database = database
            self.postgresVersion = postgresVersion
            self.redis = redis
            self.redisOrigin = redisOrigin
            self.lockNodes = lockNodes
            self.sqliteVersion = sqliteVersion
            self.sqliteJournalMode = sqliteJournalMode
            self.sqliteSynchronous = sqliteSynchronous
            self.serverArguments = serverArguments
            self.bcryptCost = bcryptCost
            self.leaseTtlMs = leaseTtlMs
            self.purchaseDeadlineMs = purchaseDeadlineMs
            self.conditions = conditions
            self.drivers = drivers
            self.driverPipe = driverPipe
        }
    }

    private struct Version: Decodable, Sendable {
        let schemaVersion: String
    }

    package var schemaVersion: String
    package var run: Run
    package var env: EnvironmentInfo
    package var systemUnderTest: System
    package var workload: Workload
    /// Those that count.
    package var trials: [TrialResult]
    /// Those that the instrument has spoilt, repeated or left out; nil in results of before.
    package var spoilt: [SpoiltTrial]?
    package var strategies: [StrategyResult]
    /// Over the trials of real strategies; each trial has its own ones.
    package var checks: [CheckSummary]
    /// The negative controls, then the ceilings.
    package var controls: [ControlResult]
    /// Ranked strategies against each other; empty after one round.
    package var pairs: [PairJudgement]
    /// Nil unless the run was a sweep.
    package var sweep: SweepResult?
    /// What each layer around a strategy costs; nil unless the run was one in all modes.
    package var layers: [LayerResult]?
    package var verdict: Verdict

    package init(
        schemaVersion: String, run: Run, env: EnvironmentInfo, systemUnderTest: System, workload: Workload,
        trials: [TrialResult], spoilt: [SpoiltTrial]? = nil, strategies: [StrategyResult],
        checks: [CheckSummary], controls: [ControlResult], pairs: [PairJudgement], sweep: SweepResult? = nil,
        verdict: Verdict
    ) {
        self.schemaVersion = schemaVersion
        self.run = run
        self.env = env
        self.systemUnderTest = systemUnderTest
        self.workload = workload
        self.trials = trials
        self.spoilt = spoilt
        self.strategies = strategies
        self.checks = checks
        self.controls = controls
        self.pairs = pairs
        self.sweep = sweep
        self.verdict = verdict
    }
}

extension RunResults {
    /// Ranked strategies of which none is separated from the one that sold most in the closed load, that one
    /// first: one name is a winner, several are a tie.
    package var leaders: [String] {
        let ranked = strategies.filter { $0.isRanked && $0.purchasesPerSecond != nil }
        let rates = ranked.map { ($0.id, $0.purchasesPerSecond?.median ?? 0) }
        guard let best = rates.max(by: { $0.1 < $1.1 })?.0 else { return [] }
        let others = ranked.map(\.id).filter { $0 != best }
        return [best]
            + others.filter { other in
                let pair = pairs.first { Set([$0.first, $0.second]) == [best, other] }
                return pair?.judgement.word != .faster && pair?.judgement.word != .slower
            }
    }

    /// Where the percentiles of a strategy would lie in another run; computed anew for results of before,
    /// which have none.
    package func latencyIntervals(of strategy: StrategyResult) -> TrialIntervals? {
        if let known = strategy.latencyIntervalsUs { return known }
        guard sweep == nil else { return nil }
        let own = trials.filter { $0.strategy == strategy.id && !$0.isControl }
        let closed = own.filter { !$0.model.isOpen }
        let success = BuyerOutcome.success.rawValue
        let percentiles = (closed.isEmpty ? own : closed).compactMap { $0.latencyUs[success] }
        return TrialIntervals(around: strategy.latencyUs, trials: percentiles)
    }

    /// After the window the load went on until all measured purchases were answered; not so before version
    /// 2.4.
    package var keepsLoadOn: Bool {
        let parts = schemaVersion.split(separator: ".").compactMap { Int($0) }
        return parts.count == 2 && (parts[0] > 2 || parts[1] >= 4)
    }

    /// Strategies whose closed load sold more, or less, in the second half of the window than in the first,
    /// beyond chance over the trials: geometric mean of second half to first.
    package var drifts: [(id: String, ratio: Double)] {
        strategies.compactMap { strategy in
            let own = trials.filter { $0.strategy == strategy.id && !$0.isControl && !$0.model.isOpen }
            let ratios = own.compactMap { $0.measurement?.driftRatio }
            guard let found = LogRatio(base: ratios.map { _ in 1 }, new: ratios, isPaired: true) else {
                return nil
            }
            let interval = found.interval()
            return interval.low > 1 || interval.high < 1 ? (strategy.id, found.ratio) : nil
        }
    }

    /// What ``StrategyResult/jain`` would be if the buyers of a trial were served independently of each
    /// other.
    package func independentJain(of strategy: StrategyResult) -> Double? {
        guard sweep == nil, workload.users > 0 else { return nil }
        let own = trials.filter { $0.strategy == strategy.id && !$0.isControl && !$0.model.isOpen }
        guard !own.isEmpty, let sold = strategy.measured[BuyerOutcome.success.rawValue] else { return nil }
        return Fairness.jainOfIndependent(mean: Double(sold) / Double(own.count * workload.users))
    }

    /// As written to `results.json`.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// The first number that is beyond everything that is measured, or is a rate below zero.
    private static func unbelievable(_ value: Any, in name: String) -> String? {
        switch value {
        case let parts as [String: Any]:
            for (key, part) in parts.sorted(by: { $0.key < $1.key }) where key != "seed" {
                if let found = unbelievable(part, in: key) { return found }
            }
        case let parts as [Any]:
            for part in parts {
                if let found = unbelievable(part, in: name) { return found }
            }
        case let number as NSNumber:
            let isNegativeRate = name.hasSuffix("per_second") && number.doubleValue < 0
            if isNegativeRate || abs(number.doubleValue) > 1e15 { return "\(name) is \(number)" }
        default: break
        }
        return nil
    }

    /// Reads what ``json()`` wrote.
    ///
    /// - Throws: ``BenchError`` that says why the file cannot be used, another major version among them.
    package static func decode(_ json: Data) throws(BenchError) -> RunResults {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dateDecodingStrategy = .iso8601
        guard let version = try? decoder.decode(Version.self, from: json).schemaVersion else {
            throw BenchError(.badInput, "this is not a results.json of lab-bench")
        }
        let major = currentSchema.prefix { $0 != "." }
        guard version.prefix(while: { $0 != "." }) == major else {
            throw BenchError(
                .badInput, "the results have schema version \(version); this lab-bench reads \(major).x")
        }
        let results: RunResults
        do {
            results = try decoder.decode(RunResults.self, from: json)
        } catch {
            throw BenchError(.badInput, "the results do not follow their schema: \(error)")
        }
        if let value = (try? JSONSerialization.jsonObject(with: json)).flatMap({ unbelievable($0, in: "") }) {
            throw BenchError(.badInput, "the results hold a number that no measurement gives: \(value)")
        }
        return results
    }
}
