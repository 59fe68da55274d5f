import Foundation
import Histogram
import LockStrategies

/// Everything that a run found: what `results.json` holds and what every other output is drawn from.
struct RunResults: Sendable, Codable, Equatable {
    static let currentSchema = "1.1"

    struct Run: Sendable, Codable, Equatable {
        var id: String
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
        var scenario = "purchase"
        var mode: RunMode
        var model = "closed"
        var users: Int
        var rounds: Int
        var warmupSeconds: Double
        var durationSeconds: Double
        var drainLimitSeconds: Double
        var stock: Int
        var controlStock: Int
        var controlDurationSeconds: Double
        var products = 1
        var strategies: [String]
        var controls: [String]
        var isQuick: Bool
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
        /// Of each strategy and control of the run.
        var conditions: [StrategyConditions]
    }

    var schemaVersion: String
    var run: Run
    var env: EnvironmentInfo
    var systemUnderTest: System
    var workload: Workload
    var trials: [TrialResult]
    var strategies: [StrategyResult]
    /// Over the trials of real strategies; each trial has its own ones.
    var checks: [CheckSummary]
    var controls: [ControlResult]
    var verdict: Verdict
}

extension RunResults {
    init(
        plan: RunPlan, trials: [FinishedTrial], end: RunEnd, started: Date, ended: Date,
        environment: EnvironmentInfo
    ) {
        schemaVersion = Self.currentSchema
        var failure: String?
        if case .failed(let error) = end { failure = error.description }
        run = Run(
            id: UUID().uuidString.lowercased(), started: started, ended: ended,
            command: plan.command, seed: plan.seed, gitCommit: environment.gitCommit,
            status: end == .complete ? "complete" : end == .interrupted ? "interrupted" : "failed",
            failure: failure)
        env = environment
        systemUnderTest = System(plan: plan, trials: trials)
        workload = Workload(plan)
        let results = trials.map(TrialResult.init)
        self.trials = results
        strategies = plan.strategies.map { id in
            StrategyResult(id, trials.filter { $0.planned.strategy == id }, isQuick: plan.isQuick)
        }
        checks = CheckSummary.all(results.filter { !$0.isControl }.map(\.checks))
        controls = plan.controls.map { id in
            ControlResult(id, results.first { $0.strategy == id.rawValue })
        }
        verdict = Verdict(
            end: end, strategies: strategies, controls: controls, trials: results)
    }

    /// As written to `results.json`.
    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    static func decode(_ json: Data) throws -> RunResults {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(RunResults.self, from: json)
    }
}

extension RunResults.Workload {
    init(_ plan: RunPlan) {
        mode = plan.mode
        users = plan.users
        rounds = plan.rounds
        warmupSeconds = plan.warmup / .seconds(1)
        durationSeconds = plan.duration / .seconds(1)
        drainLimitSeconds = TrialRunner.drain / .seconds(1)
        stock = plan.stock
        controlStock = plan.controlStock
        controlDurationSeconds = plan.controlDuration / .seconds(1)
        strategies = plan.strategies.map(\.rawValue)
        controls = plan.controls.map(\.rawValue)
        isQuick = plan.isQuick
    }
}

extension RunResults.System {
    init(plan: RunPlan, trials: [FinishedTrial]) {
        let sample = trials.first { !$0.planned.isControl } ?? trials.first
        redis = trials.lazy.compactMap(\.redisSystem).first
        redisOrigin = plan.redis == nil ? "started by the bench" : "named by --redis"
        lockNodes = TrialRedis.lockNodeCount
        sqliteVersion = sample?.sqliteVersion
        sqliteJournalMode = sample?.journalMode
        let witness = plan.mode == .http ? "lab-server" : "the service"
        sqliteSynchronous = "FULL (asserted by \(witness) at start)"
        serverArguments = sample?.serverArguments
        bcryptCost = plan.mode == .http ? ServerProcess.bcryptCost : nil
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
        if isQuick { words.append("--quick") }
        if users != defaults.users { words.append("--users \(users)") }
        if duration != (isQuick ? defaults.quickDuration : defaults.duration) {
            words.append("--duration \(Text.plain(duration / .seconds(1)))")
        }
        if warmup != (isQuick ? defaults.quickWarmup : defaults.warmup) {
            words.append("--warmup \(Text.plain(warmup / .seconds(1)))")
        }
        if rounds != (isQuick ? 1 : defaults.rounds) { words.append("--rounds \(rounds)") }
        if stock != defaults.stock { words.append("--stock \(stock)") }
        words.append("--seed \(seed)")
        if let redis { words.append("--redis \(redis)") }
        return words.joined(separator: " ")
    }
}
