import Foundation
import Histogram
import LockStrategies

/// Everything that a run found: what `results.json` holds and what every other output is drawn from.
struct RunResults: Sendable, Codable, Equatable {
    static let currentSchema = "2.3"

    struct Run: Sendable, Codable, Equatable {
        var id: String
        /// Version of lab-bench; nil in results of before.
        var toolVersion: String?
        var started: Date
        var ended: Date
        var command: String
        var seed: UInt64
        @OrNull var gitCommit: String?
        /// `complete`, `interrupted` or `failed`.
        var status: String
        @OrNull var failure: String?
    }

    struct Workload: Sendable, Codable, Equatable {
        var scenario: Scenario
        var mode: RunMode
        var models: [LoadModel]
        /// As asked for; null when the run chose it.
        @OrNull var ratePerSecond: Double?
        var openDurationSeconds: Double
        var users: Int
        var rounds: Int
        /// Rounds of the open load beside the closed one; nil in results of before.
        var openRounds: Int?
        var warmupSeconds: Double
        var durationSeconds: Double
        var drainLimitSeconds: Double
        var stock: Int
        var controlStock: Int
        var controlDurationSeconds: Double
        var products: Int
        /// Exponent of the demand's distribution, and the share of it that the hottest product draws; nil for one
        /// product.
        var skew: Double?
        var hotProductShare: Double?
        /// Address of a server that was running already; nil: one was started for each trial.
        var target: String?
        var strategies: [String]
        var controls: [String]
        var isQuick: Bool
        /// Against which targets and pairs were judged.
        var thresholds: Thresholds
    }

    struct System: Sendable, Codable, Equatable {
        @OrNull var redis: StockReader.RedisSystem?
        /// `started by the bench` or `named by --redis`.
        var redisOrigin: String
        var lockNodes: Int
        @OrNull var sqliteVersion: String?
        @OrNull var sqliteJournalMode: String?
        /// Belongs to a connection, not to the file, so the audit cannot read it: what the server vouches for.
        var sqliteSynchronous: String
        /// Null in direct mode, in which nobody serves and nobody logs in.
        @OrNull var serverArguments: [String]?
        @OrNull var bcryptCost: Int?
        var leaseTtlMs: Double
        var purchaseDeadlineMs: Double
        /// Conditions of each strategy and control of the run.
        var conditions: [StrategyConditions]
    }

    private struct Version: Decodable, Sendable {
        let schemaVersion: String
    }

    var schemaVersion: String
    var run: Run
    var env: EnvironmentInfo
    var systemUnderTest: System
    var workload: Workload
    /// Those that count.
    var trials: [TrialResult]
    /// Those that the instrument has spoilt, repeated or left out; nil in results of before.
    var spoilt: [SpoiltTrial]?
    var strategies: [StrategyResult]
    /// Over the trials of real strategies; each trial has its own ones.
    var checks: [CheckSummary]
    /// The negative controls, then the ceilings.
    var controls: [ControlResult]
    /// Ranked strategies against each other; empty after one round.
    var pairs: [PairJudgement]
    /// Nil unless the run was a sweep.
    var sweep: SweepResult?
    var verdict: Verdict
}

extension RunResults {
    /// Ranked strategies of which none is separated from the one that sold most in the closed load, that one first:
    /// one name is a winner, several are a tie.
    var leaders: [String] {
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

    /// Where the percentiles of a strategy would lie in another run; computed anew for results of before, which have
    /// none.
    func latencyIntervals(of strategy: StrategyResult) -> TrialIntervals? {
        if let known = strategy.latencyIntervalsUs { return known }
        guard sweep == nil else { return nil }
        let own = trials.filter { $0.strategy == strategy.id && !$0.isControl }
        let closed = own.filter { !$0.model.isOpen }
        let success = PurchaseOutcome.success.rawValue
        let percentiles = (closed.isEmpty ? own : closed).compactMap { $0.latencyUs[success] }
        return TrialIntervals(around: strategy.latencyUs, trials: percentiles)
    }

    init(
        plan: RunPlan, trials: [FinishedTrial], ceilings: [FinishedCeiling] = [], end: RunEnd,
        started: Date, ended: Date, environment: EnvironmentInfo
    ) {
        schemaVersion = Self.currentSchema
        let all = EqualConditions.judged(trials)
        let trials = all.filter { !$0.isSpoilt }
        var failure: String?
        if case .failed(let error) = end { failure = error.description }
        run = Run(
            id: UUID().uuidString.lowercased(), toolVersion: LabBench.version, started: started, ended: ended,
            command: plan.command, seed: plan.seed, gitCommit: environment.gitCommit,
            status: end == .complete ? "complete" : end == .interrupted ? "interrupted" : "failed",
            failure: failure)
        env = environment
        systemUnderTest = System(plan: plan, trials: all)
        workload = Workload(plan)
        let results = trials.map(TrialResult.init)
        self.trials = results
        spoilt = SpoiltTrial.all(all)
        strategies = plan.strategies.map { id in
            StrategyResult(id, trials.filter { $0.planned.strategy == id }, plan: plan)
        }
        sweep = plan.sweep.map { SweepResult($0, plan.strategies, trials) }
        checks = CheckSummary.all(results.filter { !$0.isControl })
        controls = plan.controls.map { id in
            ControlResult(id, results.first { $0.strategy == id.rawValue })
        }
        verdict = Verdict(
            end,
            Findings(
                strategies: strategies, controls: controls, trials: results, spoilt: spoilt ?? [],
                planned: plan.trialCount, thresholds: plan.thresholds))
        if let reason = Self.whyNobodyIsRanked(verdict, run.status) {
            for index in strategies.indices where strategies[index].isRanked {
                strategies[index].isRanked = false
                strategies[index].notRankedBecause = reason
            }
        }
        controls += ceilings.map { ControlResult($0) }
        pairs = []
        if plan.rounds > 1 && plan.sweep == nil {
            pairs = PairJudgement.all(self, noiseFloor: plan.thresholds.noiseFloorPercent / 100)
        }
    }

    private static func whyNobodyIsRanked(_ verdict: Verdict, _ status: String) -> String? {
        if status != "complete" { return "the run is not finished" }
        return verdict.exit == .invalid ? "the run is invalid" : nil
    }

    /// As written to `results.json`.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// Reads what ``json()`` wrote.
    ///
    /// - Throws: ``BenchError`` that says why the file cannot be used, another major version among them.
    static func decode(_ json: Data) throws(BenchError) -> RunResults {
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
        do {
            return try decoder.decode(RunResults.self, from: json)
        } catch {
            throw BenchError(.badInput, "the results do not follow their schema: \(error)")
        }
    }
}

extension RunResults.Workload {
    init(_ plan: RunPlan) {
        scenario = plan.scenario
        mode = plan.mode
        products = plan.mix.count
        skew = plan.mix.count > 1 ? plan.mix.skew : nil
        hotProductShare = plan.mix.count > 1 ? plan.mix.hotShare : nil
        target = plan.target?.url
        models = plan.models
        ratePerSecond = plan.rate
        openDurationSeconds = plan.openDuration / .seconds(1)
        users = plan.users
        rounds = plan.rounds
        openRounds = plan.openRounds
        warmupSeconds = plan.warmup / .seconds(1)
        durationSeconds = plan.duration / .seconds(1)
        drainLimitSeconds = TrialRunner.drain / .seconds(1)
        stock = plan.stock
        controlStock = plan.controlStock
        controlDurationSeconds = plan.controlDuration / .seconds(1)
        strategies = plan.strategies.map(\.rawValue)
        controls = plan.controls.map(\.rawValue)
        isQuick = plan.isQuick
        thresholds = plan.thresholds
    }
}

extension RunResults.System {
    init(plan: RunPlan, trials: [FinishedTrial]) {
        let sample = trials.first { !$0.planned.isControl } ?? trials.first
        redis = trials.lazy.compactMap(\.redisSystem).first
        redisOrigin =
            plan.target != nil
            ? "the target's own, not looked at"
            : plan.redis == nil ? "started by the bench" : "named by --redis"
        lockNodes = plan.target == nil ? TrialRedis.lockNodeCount : 0
        sqliteVersion = sample?.sqliteVersion
        sqliteJournalMode = sample?.journalMode
        let witness = plan.mode == .http ? "lab-server" : "the service"
        sqliteSynchronous =
            plan.target == nil ? "FULL (asserted by \(witness) at start)" : "not known: the target's own"
        serverArguments = sample?.serverArguments
        bcryptCost = plan.mode == .http && plan.target == nil ? plan.bcryptCost : nil
        leaseTtlMs = StrategySettings().leaseTimeToLive / .milliseconds(1)
        purchaseDeadlineMs = plan.purchaseDeadline / .milliseconds(1)
        conditions = (plan.strategies + plan.controls).map { StrategyConditions($0) }
    }
}

extension RunPlan {
    /// The command that repeats the run, as typed at the root of the tree: strategies, seed, and every choice
    /// that is no default; no password, no path.
    var command: String {
        let names = (controls + strategies).map(\.rawValue).joined(separator: ",")
        let defaults = Defaults()
        var words = ["./lab bench", "--strategies \(names)"]
        if mode != .http { words.append("--mode \(mode.rawValue)") }
        if scenario != .purchase { words.append("--scenario \(scenario.rawValue)") }
        if let target { words.append("--target \(target.url)") }
        if target?.tls?.isOwnAuthority == true { words.append("--target-ca FILE") }
        if isQuick { words.append("--quick") }
        if arrivals != nil {
            words.append("--schedule-in FILE")
        } else if sweep != nil {
            if let rate { words.append("--rate \(Text.plain(rate))") }
        } else {
            if models != (isQuick ? [.closed] : [.closed, .poisson]) {
                words.append("--model \(models.count > 1 ? "both" : models[0].rawValue)")
            }
            if let rate { words.append("--rate \(Text.plain(rate))") }
        }
        if let sweep { words.append("--sweep \(sweep.rawValue)") }
        if sweep != .users && users != defaults.users { words.append("--users \(users)") }
        if duration != Self.standardDuration(isQuick, sweep, defaults) {
            words.append("--duration \(Text.plain(duration / .seconds(1)))")
        }
        if warmup != (isQuick ? defaults.quickWarmup : defaults.warmup) {
            words.append("--warmup \(Text.plain(warmup / .seconds(1)))")
        }
        if rounds != (isQuick || sweep != nil ? 1 : defaults.rounds) { words.append("--rounds \(rounds)") }
        if openRounds > 0 && openRounds != defaults.openRounds { words.append("--open-rounds \(openRounds)") }
        if stock != defaults.stock { words.append("--stock \(stock)") }
        if mix.count > 1 { words.append("--products \(mix.count) --skew \(Text.plain(mix.skew))") }
        if !hasCeilings { words.append("--no-ceilings") }
        if bcryptCost != defaults.bcryptCost { words.append("--bcrypt-cost \(bcryptCost)") }
        if thresholds != Thresholds() { words.append("--thresholds FILE") }
        words.append("--seed \(seed)")
        if let redis { words.append("--redis \(redis)") }
        return words.joined(separator: " ")
    }
}
