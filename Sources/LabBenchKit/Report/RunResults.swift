import Foundation
import Histogram

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
        @OrNull var redis: RedisSystem?
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
