import BenchReports
import BenchResults
import Foundation
import LockStrategies
import Testing

@testable import BenchAudit
@testable import BenchModel
@testable import BenchRun

@Suite("The verdict of a run: results")
struct VerdictTests {
    @Test(
        "judge the rest when a check that looks at the service failed for one strategy: 5, and it is not ranked"
    )
    func partly() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let results = RunResultsTests.results(
            plan,
            RunResultsTests.trials(plan) { planned, facts in
                if planned.strategy == .setnxSpin && planned.block == 2 { facts.busyShare = 0.9 }
            })
        #expect(results.verdict.exit == .inconclusive)
        #expect(results.strategies.map(\.isRanked) == [true, false])
        let sentence = results.verdict.sentence
        let order = try #require(results.trials.last { $0.strategy == "setnx-spin" }?.order)
        #expect(sentence.contains("Nothing can be said of setnx-spin. "))
        #expect(sentence.contains("littles-law 0.9000, must be 0.9"))
        #expect(
            sentence.contains(
                "in trial \(order) of \(plan.trialCount) (setnx-spin, closed, 2 users): users did"
            ), "\(sentence)")
        #expect(sentence.contains("The stock was exact in every trial."))
    }

    @Test("crown nobody after one round or when they are partial")
    func crowns() throws {
        let one = try RunResultsTests.plan("lua-atomic,setnx-spin", rounds: 1)
        let results = RunResultsTests.results(one, RunResultsTests.trials(one))
        #expect(results.verdict.exit == .good)
        #expect(results.strategies.allSatisfy { $0.notRankedBecause == "one round ranks nothing" })
        #expect(results.leaders == [])
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let partial = RunResultsTests.results(
            plan, Array(RunResultsTests.trials(plan).dropLast()), end: .interrupted)
        #expect(partial.strategies.allSatisfy { $0.notRankedBecause == "the run is not finished" })
        #expect(partial.leaders == [] && partial.pairs.isEmpty)
    }

    @Test("say that the negative control was not run, where it was not")
    func withoutControl() throws {
        let plan = try RunPlan(
            RunOptions(strategies: "lua-atomic", users: 2, rounds: 2, target: "http://127.0.0.1:1"), seed: 1)
        #expect(plan.controls.isEmpty)
        let results = RunResultsTests.results(plan, RunResultsTests.trials(plan))
        #expect(results.verdict.exit == .good)
        #expect(results.verdict.sentence.contains("The negative control was not run"))
        let usual = try RunResultsTests.plan("lua-atomic")
        #expect(usual.controls == [.unguarded])
    }

    @Test("fail by a target where the thresholds ask for it, and not where it is a default")
    func demandedTarget() throws {
        let limits = try Thresholds.parse(Data(#"{"p95_ms": 5}"#.utf8))
        let options = RunOptions(
            strategies: "lua-atomic", users: 2, duration: 1, rounds: 2, thresholds: limits)
        let plan = try RunPlan(options, seed: 1)
        let results = RunResultsTests.results(plan, RunResultsTests.trials(plan))
        #expect(results.verdict.exit == .regression)
        #expect(results.verdict.sentence.contains("lua-atomic: p95 of a purchase 10 ms, must be < 5 ms."))
        #expect(JUnitReport(results).text.contains("<failure message=\"10 ms, must be &lt; 5 ms\"/>"))
        var shown = options
        shown.thresholds.demanded = nil
        let calm = try RunPlan(shown, seed: 1)
        let passed = RunResultsTests.results(calm, RunResultsTests.trials(calm))
        #expect(passed.verdict.exit == .good)
        #expect(passed.strategies[0].targets[0].isMet == false)
        #expect(JUnitReport(passed).text.contains("failures=\"0\""))
        #expect(!JUnitReport(passed).text.contains("<failure"))
    }

    @Test("fail in junit.xml exactly when the exit code is not 0")
    func junit() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let good = RunResultsTests.results(plan, RunResultsTests.trials(plan))
        let debug = RunResultsTests.results(
            plan, RunResultsTests.trials(plan) { _, facts in facts.isRelease = false })
        #expect(good.verdict.exit == .good && !JUnitReport(good).text.contains("<failure"))
        #expect(debug.verdict.exit == .inconclusive)
        #expect(
            JUnitReport(debug).text.contains(
                "name=\"the run ends with 0\"><failure message=\"inconclusive (5)"))
    }
}
