import BenchModel
import BenchResults
import Foundation

@testable import FaultAudit

/// Results of an exploration as they could be: every judgement, with and without a story.
enum ExploreFixture {
    static let story = ExploreStory(
        strategy: "setnx-spin", fault: "pause-buyer", level: .strategy, gitCommit: "0123456789abcdef",
        stage: .init(processes: 2, buyers: 1, purchases: 1, stock: 1, lockNodes: 5),
        order: .init(.pct, changes: 2, changeSteps: 177), decisions: [0, 3, 0, 1],
        steps: [
            .init(atUs: 0, who: "process 0", text: "buyer 0 begins purchase 0"),
            .init(atUs: 2_050, who: "world", text: "something <b>breaks</b> | now"),
            .init(atUs: 5_250, who: "process 1", text: "SET lock:stock:{1} NX -> nil", times: 39),
            .init(atUs: 204_150, who: "redis", text: "loses nothing"),
        ],
        violations: ["no-overlap: operation 35 was let in while operation 32 was inside"],
        struckMs: 1000, healedMs: 2200, findings: FaultFixture.overlapFindings,
        operations: FaultFixture.overlap)

    static func chance(_ schedules: [Int] = [100, 100, 100]) -> ExploreCell.Chance? {
        var measured = PriorityChance()
        measured.schedulesByChanges = schedules
        (measured.mostRivals, measured.mostSteps, measured.changeSteps) = (20, 240, 200)
        return ExploreCell.Chance(measured)
    }

    static func cell(
        _ strategy: String, _ fault: String, _ judgement: ExploreCell.Judgement = .asExpected,
        theory: FaultExpectation = .safe, violations: [String: Int] = [:], order: String = "both",
        isComplete: Bool? = nil, story: ExploreStory? = nil, chance: ExploreCell.Chance? = chance()
    ) -> ExploreCell {
        let violated = violations.values.max() ?? 0
        return ExploreCell(
            strategy: strategy, fault: fault, level: .strategy, order: order, theory: theory,
            judgement: judgement,
            schedules: 600, violated: violated, violations: violations, undecided: 0, idle: 0,
            isComplete: isComplete, firstViolatingSeed: violated > 0 ? 17 : nil, story: story,
            cpuSeconds: 1.5, chance: chance)
    }

    static let cells = [
        cell("setnx-spin", "none"),
        cell(
            "setnx-spin", "pause-buyer", theory: .violated, violations: ["no-overlap": 1], story: story),
        cell("lua-atomic", "none", .againstTheory, violations: ["lost-wake-up": 2, "endless": 1]),
        cell("lua-atomic", "delay", .notShown, theory: .violated),
        cell("lua-atomic", "jitter", .undecided, chance: nil),
        cell("lua-atomic", "reset", theory: .mayBeViolated, violations: ["conservation": 3]),
    ]

    static func results(
        _ cells: [ExploreCell] = cells, orders: String = "both",
        status: ExploreResults.Run.Status = .complete, notRun: Int = 0
    ) -> ExploreResults {
        ExploreResults(
            run: .init(
                started: Date(timeIntervalSince1970: 1_790_000_000),
                ended: Date(timeIntervalSince1970: 1_790_000_060),
                command: "lab-bench explore --seed 1 --order \(orders)", seed: 1, orders: orders,
                gitCommit: nil, status: status, trace: "2bfd4296ed0ac1ec"),
            env: FaultFixture.results().env,
            strategies: [
                .init(id: "setnx-spin", summary: "a lease"), .init(id: "lua-atomic", summary: "one script"),
            ],
            faults: [.init(id: "none", summary: "Nothing is broken.")], cells: cells, notRun: notRun)
    }
}
