package import BenchResults
import FaultAudit
package import FaultInjection
package import LockStrategies

/// Every fault with every strategy, in the order in which they are run.
package struct Matrix: Sendable {
    package let cells: [Cell]
    package let notApplicable: [FaultResults.NotApplicable]
    private let program: String

    /// Seeds are the innermost: so a matrix that is cut short has whole pairs.
    ///
    /// - Parameters:
    ///   - seed: Of the first cell of each pair; the next one has the next number.
    ///   - servers: At the level of the service.
    ///   - program: The bench, in the command that runs a cell alone again.
    package init(
        strategies: [StrategyEntry], faults: [Fault], levels: [FaultLevel], seed: UInt64, seeds: Int,
        drivers: [FaultDriver] = [], servers: Int = 1, program: String = "lab-bench"
    ) {
        self.program = program
        let all =
            strategies.map { (entry: $0, driver: FaultDriver?.none) }
            + drivers.map { (entry: $0.entry, driver: $0) }
        var cells: [Cell] = []
        var notApplicable: [FaultResults.NotApplicable] = []
        for level in levels {
            for fault in faults {
                for (strategy, driver) in all {
                    let isServed = driver != nil && level == .service
                    let obstacle = fault.obstacle(for: strategy, at: level, servers: servers)
                    if let why = isServed ? "a lab-server runs no driver" : obstacle {
                        notApplicable.append(
                            .init(strategy: strategy.name, fault: fault.rawValue, level: level, why: why))
                        continue
                    }
                    for number in 0..<seeds {
                        cells.append(
                            Cell(
                                strategy, fault, level: level, seed: seed &+ UInt64(number), driver: driver,
                                servers: servers))
                    }
                }
            }
        }
        self.cells = cells
        self.notApplicable = notApplicable
    }

    /// How long it takes as a rule: a violation is shown in the second try on average.
    package var expectedTime: Duration {
        cells.reduce(.zero) { $0 + $1.timeOfTry * min($1.mostTries, 2) }
    }

    /// Runs one cell after the other until all are done, the budget is spent, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - keep: Keeps a history, and says in which file.
    ///   - finished: Told of each cell.
    /// - Returns: The cells that were done.
    package func run(
        _ programs: Cell.Programs, budget: Duration, keep: (FaultCell, TryRecord) -> String?,
        finished: (FaultCell, _ number: Int) -> Void
    ) async -> [FaultCell] {
        let end = ContinuousClock.now + budget
        var done: [FaultCell] = []
        var left = cells.reduce(Duration.zero) { $0 + $1.timeOfTry }
        for cell in cells {
            left -= cell.timeOfTry
            guard !Task.isCancelled, ContinuousClock.now + cell.timeOfTry <= end else { break }
            // Further tries must leave the others their first one.
            let outcome = await cell.run(programs, deadline: end - left - cell.timeOfTry)
            // A cell that was cut short says nothing.
            if Task.isCancelled && outcome.verdict != .violated { break }
            var result = cell.result(outcome, program: program)
            if let shown = outcome.shown {
                let name = keep(result, shown.record)
                result.shown?.history = name
            }
            done.append(result)
            finished(result, done.count)
        }
        return done
    }
}

extension Cell {
    /// What one try takes as a rule.
    var timeOfTry: Duration {
        let nodes: Duration = strategy.needsLockNodes ? .milliseconds(500) : .zero
        switch (level, fault) {
        case (.strategy, .nodeEmptyRestart): return .seconds(9)
        case (.strategy, .pauseBuyer): return .milliseconds(4_500) + nodes
        case (.strategy, _): return .milliseconds(3_500) + nodes
        case (.service, .nodeEmptyRestart): return .seconds(servers > 1 ? 30 : 17)
        case (.service, _) where servers > 1: return .seconds(16) + nodes
        case (.service, _): return .seconds(6) + nodes
        }
    }

    /// The cell as faults.json shows it.
    package func result(_ outcome: Outcome, program: String = "lab-bench") -> FaultCell {
        FaultCell(
            strategy: strategy.name, fault: fault.rawValue, level: level, seed: seed,
            verdict: outcome.verdict, expected: expected, why: outcome.why, tries: outcome.tries,
            mostTries: mostTries,
            inexcusable: driver == nil ? fault.inexcusable(of: strategy, at: level) : [],
            shown: outcome.shown.map { FaultCell.Try(number: $0.number, $0.record, $0.report, history: nil) },
            command: command(program))
    }

    /// Runs this cell alone again. The command of a driver may hold what nobody else should read.
    private func command(_ program: String) -> String {
        let lock = driver == nil ? "--strategies \(strategy.name)" : "--driver \(strategy.name)=COMMAND"
        let group = servers > 1 ? "--servers \(servers)" : "--level \(level.rawValue)"
        return "\(program) faults \(group) \(lock) --faults \(fault.rawValue) --seed \(seed)"
    }
}
