import BenchModel
import BenchReports
import BenchResults
import BenchStatistics
import Foundation
import LockStrategies
import Testing

@testable import BenchAudit
@testable import BenchRun

/// What strategy, service and HTTP add to a purchase, from trials whose rates are given.
@Suite("What each layer costs")
struct LayerResultTests {
    /// Results of one mode in which every trial of round r sold `rates[r - 1]` a second.
    static func results(_ mode: RunMode, _ strategies: String, rates: [Double]) throws -> RunResults {
        let plan = try RunResultsTests.plan(strategies, rounds: rates.count, mode: mode)
        let closed = RunResultsTests.trials(plan)
        var results = RunResultsTests.results(plan, closed)
        for index in results.trials.indices where !results.trials[index].isControl {
            results.trials[index].purchasesPerSecond = rates[results.trials[index].block - 1]
        }
        return results
    }

    /// The innermost first: 100 µs alone, 200 with the service, 500 over HTTP; twice as slow in round 2.
    static func modes(_ strategies: String = "lua-atomic") throws -> [RunResults] {
        [
            try results(.strategy, strategies, rates: [10_000, 5_000, 10_000]),
            try results(.direct, strategies, rates: [5_000, 2_500, 5_000]),
            try results(.http, strategies, rates: [2_000, 1_000, 2_000]),
        ]
    }

    @Test("a layer adds the difference to the layer inside of it, taken within each round")
    func differences() throws {
        let found = LayerResult.all(try Self.modes())
        let layers = try #require(found.first)
        #expect(found.count == 1 && layers.strategy == "lua-atomic" && layers.rounds == 3)
        #expect(layers.modes.map(\.mode) == [.strategy, .direct, .http])
        #expect(layers.layers.map(\.name) == ["strategy", "service", "http"])
        #expect(layers.layers.map { $0.addsUs.median.rounded() } == [100, 100, 300])
        #expect(layers.layers.map { $0.addsUs.max.rounded() } == [200, 200, 600])
        #expect(layers.layers.map { ($0.share * 100).rounded() } == [20, 20, 60])
    }

    @Test("a round counts only where every mode has a trial that counts")
    func rounds() throws {
        var modes = try Self.modes()
        modes[1].trials.removeAll { $0.block == 1 && !$0.isControl }
        let layers = try #require(LayerResult.all(modes).first)
        #expect(layers.rounds == 2)
        #expect(layers.layers[0].addsUs.median.rounded() == 150)
        modes[2].trials.removeAll { !$0.isControl }
        #expect(LayerResult.all(modes).isEmpty)
    }

    @Test("a strategy that is not measured alone has its whole cost in the service")
    func notAlone() throws {
        let direct = try Self.results(.direct, "sql-row", rates: [5_000])
        let http = try Self.results(.http, "sql-row", rates: [2_000])
        let alone = try Self.results(.strategy, "lua-atomic", rates: [9_000])
        let layers = try #require(LayerResult.all([alone, direct, http]).first)
        #expect(layers.layers.map(\.name) == ["service", "http"])
        #expect(layers.layers.map { $0.addsUs.median.rounded() } == [200, 300])
    }

    @Test("noise that is larger than a layer leaves it below zero, and says so")
    func belowZero() throws {
        let direct = try Self.results(.direct, "sql-row", rates: [2_000])
        let http = try Self.results(.http, "sql-row", rates: [2_500])
        let layers = try #require(LayerResult.all([direct, http]).first)
        #expect(layers.layers[1].addsUs.median.rounded() == -100)
    }

    @Test("the schema knows them, and both reports show them")
    func shown() async throws {
        let modes = try Self.modes("lua-atomic,setnx-spin")
        var results = modes[2]
        results.layers = LayerResult.all(modes)
        #expect(try await SchemaJudge.complaints(try results.json(), schema: "results") == [])
        #expect(try RunResults.decode(try results.json()).layers == results.layers)
        let text = MarkdownReport(results, files: ["direct/LOAD_TEST_RESULT.md"]).text
        #expect(text.contains("## What each layer costs"))
        #expect(
            text.contains(
                "| lua-atomic | 100 (100 - 200), 20.00 % | 100 (100 - 200), 20.00 % | 300 (300 - 600), 60.00 % | 500 | 3 |"
            ), "\(text)")
        #expect(
            text.contains("[direct](direct/LOAD_TEST_RESULT.md)") && !text.contains("[strategy](strategy"))
        #expect(HTMLReport(results).text.contains("What each layer costs"))
        results.layers = nil
        #expect(!MarkdownReport(results).text.contains("each layer"))
    }

    @Test("the worst mode decides the verdict, and is named")
    func verdict() throws {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic")
        let good = RunResultsTests.results(plan, RunResultsTests.trials(plan)).verdict
        let wrong = RunResultsTests.results(
            plan,
            RunResultsTests.trials(plan) { planned, facts in
                if planned.strategy.name == "lua-atomic" { facts.answers.success += 1 }
            }
        ).verdict
        #expect(good.exit == .good && wrong.exit == .violation)
        let joined = good.beside([(.strategy, good), (.direct, wrong)])
        #expect(joined.exit == .violation && joined.word == "violation")
        #expect(joined.sentence.contains("In direct mode: \(wrong.sentence)"))
        #expect(!joined.sentence.contains("In strategy mode"))
        #expect(good.beside([(.strategy, good)]) == good)
        #expect(wrong.beside([(.strategy, good)]) == wrong)
    }

    @Test("a run that was interrupted says so once, not for each mode")
    func interrupted() throws {
        let plan = try RunPlan(
            RunOptions(mode: "all", strategies: "lua-atomic", users: 2, duration: 1, rounds: 1), seed: 1)
        let layers = plan.layers.map { RunResultsTests.results($0, [], end: .interrupted) }
        let own = RunResults(
            plan: plan, trials: [], end: .interrupted, started: .now, ended: .now,
            environment: RunResultsTests.environment, layers: layers)
        #expect(own.verdict.exit == .interrupted)
        #expect(own.verdict.sentence.split(separator: "Interrupted").count == 1, "\(own.verdict.sentence)")
    }
}
