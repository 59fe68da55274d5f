import BenchLoad
import BenchReports
import BenchResults
import Foundation
import LabTesting
import LockStrategies
import Testing

@testable import BenchRun

@Suite("A strategy from another package")
struct ForeignStrategyTests {
    private struct Unseen: RunDisplay {
        func announce(_ plan: RunPlan) {}
        func say(_ line: String) {}
        func live(_ trial: PlannedTrial, _ step: LoadProgress, of count: Int) {}
        func finished(_ trial: FinishedTrial, of count: Int, note mark: String) {}
        func repeats(_ trial: FinishedTrial) {}
        func clearLine() {}
    }

    @Test("is planned, run, audited and reported beside the built-in ones")
    func measured() async throws {
        let registry = try StrategyRegistry.builtIn.adding([.foreign])
        let options = RunOptions(
            mode: "direct", model: "closed", strategies: "foreign-lock,lua-atomic", users: 8, duration: 0.5,
            warmup: 0, rounds: 1, isWithoutCeilings: true)
        let plan = try RunPlan(options, seed: 1, from: registry)
        #expect(plan.strategies == [.foreign, .luaAtomic])
        let done = await Runner(plan: plan, place: .ownProcess, display: Unseen()).run()
        guard case .complete = done.end else {
            Issue.record("the run ended \(done.end)")
            return
        }
        let results = RunResults(
            plan: plan, trials: done.finished, end: done.end, started: Date(), ended: Date(),
            environment: await EnvironmentInfo.current(loadBefore: nil, bcryptCost: nil))
        let own = try #require(results.strategies.first { $0.id == "foreign-lock" })
        #expect(own.stockWord == "exact")
        #expect((own.measured["success"] ?? 0) > 0)
        #expect(results.systemUnderTest.conditions.first { $0.id == "foreign-lock" }?.leaseTtlMs == 10_000)
        let page = HTMLReport(results).text
        #expect(page.contains(#"<th scope="row" class="id">foreign-lock</th>"#))
        #expect(page.contains("<title>foreign-lock</title>"))
    }

    @Test("is measured without a server: a lab-server does not know it", arguments: [nil, "foreign-lock"])
    func unserved(named: String?) throws {
        let registry = try StrategyRegistry.builtIn.adding([.foreign])
        let problems = #expect(throws: PlanProblems.self) {
            try RunPlan(RunOptions(strategies: named), seed: 1, from: registry)
        }
        #expect(problems?.sentences.count == 1)
        #expect(problems?.sentences.first?.contains("--mode strategy or --mode direct") == true)
        let others = try RunPlan(RunOptions(strategies: "lua-atomic"), seed: 1, from: registry)
        #expect(others.strategies == [.luaAtomic])
        let all = try RunPlan(RunOptions(mode: "strategy"), seed: 1, from: registry)
        #expect(all.strategies.contains(.foreign))
    }

    @Test("is unknown to a bench that was not given it")
    func unknown() {
        let options = RunOptions(strategies: "foreign-lock")
        #expect(throws: PlanProblems.self) { try RunPlan(options, seed: 1) }
    }
}
