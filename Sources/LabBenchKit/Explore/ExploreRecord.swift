import BenchModel
import BenchResults
import Exploration
import Foundation
import LockStrategies

/// From what was explored to what is written.
struct ExploreRecord: Sendable {
    let plan: ExplorePlan
    let cells: [ExploredCell]
    let isInterrupted: Bool
    let started: Date
    let environment: EnvironmentInfo

    /// A cell whose turn was cut short shows nothing, unless something was violated in it.
    private var done: [ExploredCell] {
        guard isInterrupted, let last = cells.last, last.outcome.first == nil else { return cells }
        return cells.dropLast()
    }

    /// Nil: nothing was explored.
    var results: ExploreResults? {
        let done = done
        guard !done.isEmpty else { return nil }
        let strategies = plan.cells.map(\.strategy).removingDuplicates()
        let faults = plan.cells.map(\.fault).removingDuplicates()
        return ExploreResults(
            run: .init(
                started: started, ended: Date(), command: plan.command, seed: plan.seed,
                orders: plan.orders.rawValue, gitCommit: environment.gitCommit,
                status: isInterrupted ? .interrupted : .complete, trace: ExploreTrace(done).number),
            env: environment,
            strategies: strategies.map { .init(id: $0.name, summary: $0.traits.summary) },
            faults: faults.map { .init(id: $0.rawValue, summary: $0.summary) },
            cells: done.map { $0.record(plan.orders) }, notRun: plan.cells.count - done.count)
    }
}
