import BenchModel
import BenchReports
import BenchResults
import BenchStatistics
import Foundation
import LockStrategies
import Testing

@testable import BenchRun

@Suite("A sweep")
struct SweepTests {
    private func plan(_ options: RunOptions) throws -> RunPlan { try RunPlan(options, seed: 5) }

    @Test("over users runs every strategy at every load, control first, in an order drawn from the seed")
    func users() throws {
        let plan = try plan(RunOptions(sweep: "users", strategies: "unguarded,lua-atomic,setnx-spin"))
        let trials = plan.schedule
        #expect(trials.map(\.order) == Array(1...trials.count))
        #expect(trials.count == plan.trialCount)
        #expect(trials[0].isControl)
        for id in plan.strategies {
            #expect(trials.filter { $0.strategy == id }.map(\.users).sorted() == Sweep.userLoads)
        }
        #expect(trials.allSatisfy { $0.model == .closed })
        #expect(Sweep.userLoads.count >= UniversalScalability.leastLoads)
        #expect(plan.command.hasSuffix("--sweep users --seed 5"))
        #expect(plan.folderWord == "purchase-sweep-users")
    }

    @Test("over rates takes shares of what each strategy sold, or of the rate that is given")
    func rates() throws {
        let found = try plan(RunOptions(sweep: "rate", strategies: "lua-atomic,setnx-spin"))
        #expect(found.models == [.closed, .poisson])
        #expect(found.schedule.map(\.isControl) == [true, false, false])
        let open = found.rateSweep([1000, 100], after: 3)
        #expect(open.map(\.order) == Array(4...found.trialCount))
        #expect(
            open.filter { $0.strategy == .setnxSpin }.compactMap(\.rate).sorted() == [
                10, 30, 50, 70, 80, 90, 100, 110,
            ])
        #expect(open.allSatisfy { $0.model == .poisson && $0.users == 100 })
        let given = try plan(RunOptions(rate: 50, sweep: "rate", strategies: "lua-atomic"))
        #expect(given.schedule.map(\.isControl) == [true])
        #expect(given.trialCount == Sweep.rateShares.count + 1)
    }

    @Test(
        "refuses what it chooses itself",
        arguments: [
            RunOptions(sweep: "time"), RunOptions(sweep: "users", users: 5),
            RunOptions(rate: 5, sweep: "users"),
            RunOptions(model: "closed", sweep: "users"), RunOptions(sweep: "rate", isQuick: true),
        ])
    func refused(options: RunOptions) {
        do throws(PlanProblems) {
            _ = try RunPlan(options, seed: 1)
            Issue.record("the plan was accepted")
        } catch {
            #expect(error.sentences.count == 1)
        }
    }

    /// Every load sold the same.
    static func results(_ plan: RunPlan) -> RunResults {
        RunResultsTests.results(plan, RunResultsTests.trials(plan))
    }

    @Test("over users keeps every load apart, fits the law, and ranks nothing")
    func result() throws {
        let plan = try plan(
            RunOptions(sweep: "users", strategies: "unguarded,lua-atomic,setnx-spin", duration: 1))
        let results = Self.results(plan)
        let sweep = try #require(results.sweep)
        #expect(sweep.points.count == 2 * Sweep.userLoads.count)
        #expect(sweep.points.filter { $0.strategy == "lua-atomic" }.map(\.users) == Sweep.userLoads)
        #expect(sweep.fits.map(\.strategy) == ["lua-atomic", "setnx-spin"])
        #expect(results.pairs.isEmpty)
        #expect(
            results.strategies.allSatisfy { !$0.isRanked && $0.notRankedBecause == "a sweep ranks nothing" })
        #expect(results.verdict.exit == .good)
        #expect(try RunResults.decode(results.json()) == results)
        let text = MarkdownReport(results).text
        #expect(text.contains("## Sweep over users"))
        #expect(text.contains("| lua-atomic | 128 | 200 |"))
        #expect(text.contains("| strategy | λ (1/s) | σ | κ | best N | worst residual | residuals (%) |"))
    }

    @Test("is drawn from values that stand in results.json, with the law dashed")
    func picture() throws {
        let plan = try plan(RunOptions(sweep: "users", strategies: "lua-atomic", duration: 1))
        let page = HTMLReport(Self.results(plan)).text
        #expect(page.contains("Purchases per second over users"))
        #expect(page.contains("<title>lua-atomic (the law)</title>"))
        // The script that sorts tables asks for NaN itself.
        let drawn = page.prefix(upTo: try #require(page.range(of: "<script>")).lowerBound)
        #expect(!drawn.contains("NaN") && !drawn.contains("inf"))
        var known: Set<Double> = []
        HTMLReportTests.numbers(
            try JSONSerialization.jsonObject(with: Self.results(plan).json()), into: &known)
        let plotted = page.components(separatedBy: "data-values=\"").dropFirst().flatMap { part in
            part.prefix { $0 != "\"" }.split(separator: " ").map { Double($0) }
        }
        #expect(plotted.count > Sweep.userLoads.count)
        for value in plotted { #expect(value.map(known.contains) == true, "\(value ?? .nan)") }
    }

    @Test("over rates is drawn as latency over the offered rate")
    func ratePicture() throws {
        let plan = try plan(RunOptions(rate: 100, sweep: "rate", strategies: "lua-atomic", duration: 1))
        let trials = plan.rateSweep([100], after: 0)
        let results = RunResultsTests.results(plan, RunResultsTests.trials(plan, of: trials))
        #expect(results.sweep?.points.compactMap(\.offeredPerSecond) == [10, 30, 50, 70, 80, 90, 100, 110])
        #expect(results.sweep?.fits.isEmpty == true)
        #expect(HTMLReport(results).text.contains("Latency over offered rate"))
        #expect(MarkdownReport(results).text.contains("## Sweep over rates"))
    }
}
