import BenchModel
import BenchReports
import BenchResults
import Foundation
import LockStrategies
import Testing

@testable import BenchAudit
@testable import BenchRun

@Suite("A trial that the instrument has spoilt")
struct RepetitionTests {
    private static func isLate(_ facts: inout AuditFacts) {
        facts.generator?.lateness = [.init(figure: "p99", valueMs: 10, errorMs: 28)]
    }

    /// Every trial of one strategy, as attempt after attempt, the first ones late.
    private static func attempts(_ plan: RunPlan, _ late: (PlannedTrial) -> Int) -> [FinishedTrial] {
        plan.schedule.flatMap { planned -> [FinishedTrial] in
            (1...late(planned) + 1).compactMap { number -> FinishedTrial? in
                if number > Repetition.mostOfTrial + 1 { return nil }
                var trial = RunResultsTests.trials(plan, of: [planned]) { _, facts in
                    if number <= late(planned) { isLate(&facts) }
                }[0]
                trial.attempt = number
                return trial
            }
        }
    }

    @Test("is run again a stated number of times, and the run has a stated number of repetitions")
    func bounds() {
        var repetition = Repetition(trials: 16)
        #expect(repetition.left == 4)
        #expect((1...5).map { repetition.takes(attempt: $0) } == [true, true, false, false, false])
        #expect(repetition.takes(attempt: 1) && repetition.takes(attempt: 1) && !repetition.takes(attempt: 1))
        #expect(Repetition(trials: 1).left == 2)
    }

    @Test(
        "is one that failed a check of the generator, and no other",
        arguments: AuditTests.faults.map { ($0.facts, $0.red) })
    func onlyInstrument(facts: AuditFacts, red: [String]) {
        let spoilers = Repetition.spoilers(of: Audit.checks(facts)).map(\.id)
        #expect(spoilers == red.filter { Repetition.checks.contains($0) })
    }

    @Test("is kept when it sold wrongly: nothing may be hidden behind a busy machine")
    func violation() throws {
        var facts = AuditTests.clean
        Self.isLate(&facts)
        facts.answers.oversellRefused = 1
        #expect(Repetition.spoilers(of: Audit.checks(facts)).isEmpty)
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let trials = RunResultsTests.trials(plan) { planned, facts in
            if planned.strategy == .luaAtomic {
                Self.isLate(&facts)
                facts.answers.oversellRefused = 1
            }
        }
        #expect(RunResultsTests.results(plan, trials).verdict.exit == .violation)
    }

    @Test("is named with its reason when its repetition counts, and the run passes")
    func repeated() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let trials = Self.attempts(plan) { $0.strategy == .luaAtomic && $0.block == 2 ? 1 : 0 }
        let results = RunResultsTests.results(plan, trials)
        #expect(results.verdict.exit == .good)
        #expect(results.trials.count == plan.schedule.count)
        #expect(results.strategies.map(\.isRanked) == [true, true])
        let spoilt = try #require(results.spoilt?.first)
        #expect(results.spoilt?.count == 1 && !spoilt.isLeftOut && spoilt.isStockExact == true)
        let place = "trial \(spoilt.order) of \(plan.trialCount) (lua-atomic, closed, 2 users)"
        #expect(
            results.verdict.sentence.contains(
                "Repeated once: \(place), because of generator-lag 28.00 ms of the p99, must be <= 1.50 ms (15.00 % of 10 ms); its stock was exact."
            ), "\(results.verdict.sentence)")
        let text = MarkdownReport(results).text
        #expect(text.contains("| \(spoilt.order). lua-atomic, closed | 1 | generator-lag 28.00 ms"))
        #expect(HTMLReport(results).text.contains("Spoilt by the instrument"))
        #expect(JUnitReport(results).text.contains("<skipped message=\"run again: generator-lag 28.00 ms"))
        #expect(try RunResults.decode(results.json()) == results)
    }

    @Test("is left out by name when its repetitions were spoilt too, and the rest is judged")
    func leftOut() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin", rounds: 4)
        let trials = Self.attempts(plan) { $0.strategy == .luaAtomic && $0.block == 2 ? 3 : 0 }
        let results = RunResultsTests.results(plan, trials)
        #expect(results.verdict.exit == .good)
        #expect(results.strategies.map(\.trials) == [3, 4])
        #expect(results.strategies.map(\.isRanked) == [true, true])
        #expect(results.spoilt?.map(\.attempt) == [1, 2, 3])
        #expect(results.spoilt?.allSatisfy(\.isLeftOut) == true)
        let sentence = results.verdict.sentence
        for part in [
            "Left out: generator-lag 28.00 ms of the p99, must be <= 1.50 ms",
            "of \(plan.trialCount) (lua-atomic, closed, 2 users)",
            "something else used the processor", "repeated twice", "its stock was exact",
        ] { #expect(sentence.contains(part), "\(part) is not in: \(sentence)") }
    }

    @Test(
        "makes the run inconclusive when no trial of its load is left, and invalid when none of any load is")
    func nothingLeft() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let one = RunResultsTests.results(plan, Self.attempts(plan) { $0.strategy == .luaAtomic ? 3 : 0 })
        #expect(one.verdict.exit == .inconclusive)
        #expect(one.verdict.sentence.contains("Nothing can be said of lua-atomic (closed, 2 users)."))
        #expect(one.strategies.map(\.isRanked) == [false, true])
        #expect(one.strategies[0].notRankedBecause == "no trial of it counts")
        let all = RunResultsTests.results(plan, Self.attempts(plan) { $0.isControl ? 0 : 3 })
        #expect(all.verdict.exit == .invalid)
        #expect(all.verdict.sentence.contains("The stock was exact in every trial."))
        #expect(all.strategies.allSatisfy { !$0.isRanked })
        #expect(try RunResults.decode(all.json()) == all)
        #expect(MarkdownReport(all).text.contains("| left out |") && !HTMLReport(all).text.contains("nan"))
    }

    @Test("takes the trial of the other server of a pair with it")
    func pair() throws {
        let plan = try RunResultsTests.plan("lua-atomic")
        var trials = RunResultsTests.trials(plan)
        trials[1].isPairSpoilt = true
        let results = RunResultsTests.results(plan, trials)
        #expect(results.spoilt?.map(\.why) == ["the other server's trial was spoilt"])
        #expect(results.strategies[0].trials == 1)
    }

    @Test(
        "is measured against the trials before it, so that a quick trial is not repeated sooner than a slow one"
    )
    func usual() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        let planned = plan.schedule.filter { $0.strategy == .luaAtomic }
        var usual = UsualFigures()
        #expect(usual.of(planned[0]) == [:])
        for trial in RunResultsTests.trials(plan, of: [planned[0]]) { usual.add(trial) }
        let found = usual.of(planned[1])
        #expect(abs((found["p50"] ?? 0) - 10) < 0.1 && abs((found["mean"] ?? 0) - 10) < 0.1)
        #expect(usual.of(plan.schedule.first { $0.strategy == .setnxSpin } ?? planned[0]) == [:])
    }
}
