import ArgumentParser
import BenchModel
import BenchResults
import BenchRun
import Exploration
import Foundation
import LabProcesses
import LockStrategies

/// `lab-bench explore`.
struct ExploreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Runs each strategy's own code in simulated worlds, in thousands of orders of events.",
        discussion: """
            Every strategy under every fault, alone and in the service, 1,000 schedules each:
              lab-bench explore
            The service alone, whose server is killed and started again:
              lab-bench explore --level service --faults kill-server
            As many as fit into ten minutes:
              lab-bench explore --for 10m
            One schedule again, with its story:
              lab-bench explore --strategies setnx-spin --faults pause-buyer --seed 17 --schedules 1 --story

            The same with a report, and a page for each violation:
              lab-bench explore --schedules 1500 --seed 1 --output exploration
            One of its violations again:
              lab-bench explore --replay exploration/stories/setnx-spin-pause-buyer.json

            Faults:
            \(WorldFault.allCases.map { "  \($0.rawValue.padding(toLength: 22, withPad: " ", startingAt: 0))\($0.summary)" }.joined(separator: "\n"))

            Redis, the network, the clocks, the tasks' scheduler and the ledger are simulated; the code of the strategies, of the \
            service and of its reconciler, and the Lua scripts, are the real ones. Schedule i has the seed S + i, and a seed decides everything.

            Exit codes: 0 everything came out as theory says, 4 something that should hold was violated, or a story that is played again still is \
            violated, 5 a violation that \
            theory demands was not found or a schedule could not be decided, 64 usage, 130 interrupted.
            """)

    @Option(
        help: "Comma-separated ids; default: all of `lab-bench strategies` that can be simulated.",
        completion: .list(StrategyRegistry.builtIn.names))
    var strategies: String?

    @Option(
        help: "Comma-separated ids of the list above; default: all.",
        completion: .list(WorldFault.allCases.map(\.rawValue)))
    var faults: String?

    @Option(help: "Seed of the first schedule. Default: random; it is printed.")
    var seed: String?

    @Option(help: "Schedules for each strategy under each fault; default 1000.")
    var schedules: Int?

    @Option(
        name: .customLong("for"),
        help: "Instead of --schedules: as many as fit into this time, as in 90s, 10m.")
    var duration: String?

    @Option(
        help: """
            uniform: each next step has the same chance; pct: by priorities that change a few times; both, in turn; all: \
            each order of a small world with two buyers and one fault, once. Default both.
            """, completion: .list(Explorer.Orders.allCases.map(\.rawValue)))
    var order: String?

    @Option(
        help: """
            strategy: buyers call the strategy itself; service: they are clients of a server with a ledger, which a fault may \
            kill between any two steps. Default: both.
            """,
        completion: .list(FaultLevel.allCases.map(\.rawValue)))
    var level: String?

    @Flag(
        help: "Tells what happens in the first violation of each cell, made small, or in its first schedule.")
    var story = false

    @Option(help: "Directory for explore.json, EXPLORE.md and the stories; default: nothing is written.")
    var output: String?

    @Option(
        help: """
            Plays a story again, from a file that --output wrote (stories/NAME.json), and tells it. Ends with 4 when \
            something is violated again, else with 0. Nothing else can be given.
            """, completion: .file(extensions: ["json"]))
    var replay: String?

    @Flag(help: "Prints the end only.")
    var quiet = false

    func run() async throws {
        let end: BenchExit
        do throws(BenchError) {
            if let replay {
                try refuseOthers()
                end = try ExploreReplay.play(replay)
            } else {
                end = try await carryOut(
                    try ExplorePlan(
                        strategies: strategies, faults: faults, seed: seed, schedules: schedules,
                        duration: duration, order: order ?? Explorer.Orders.both.rawValue,
                        level: level))
            }
        } catch {
            Terminal.complain(error.description)
            end = error.exitCode
        }
        throw ExitCode(end.rawValue)
    }

    /// A story says everything itself.
    private func refuseOthers() throws(BenchError) {
        let given = [
            ("--strategies", strategies != nil), ("--faults", faults != nil), ("--seed", seed != nil),
            ("--schedules", schedules != nil), ("--for", duration != nil), ("--order", order != nil),
            ("--level", level != nil),
            ("--story", story), ("--output", output != nil), ("--quiet", quiet),
        ].filter(\.1).map(\.0)
        guard let first = given.first else { return }
        throw BenchError(.badInput, "--replay plays one story as it was; \(first) cannot be given with it")
    }

    private func carryOut(_ plan: ExplorePlan) async throws(BenchError) -> BenchExit {
        let started = Date()
        var folder: ResultsFolder?
        if let output { folder = try ResultsFolder(named: output, word: "explore", at: started) }
        let screen = ExploreScreen(isSilent: quiet, seed: plan.seed)
        let isInterrupted = InterruptFlag()
        let watch = InterruptWatch { isInterrupted.raise() }
        screen.announce(plan)
        let environment = folder == nil ? nil : await EnvironmentInfo.current(loadBefore: LoadAverage.now())
        var cells: [ExploredCell] = []
        for (place, cell) in plan.cells.enumerated() where !isInterrupted.isRaised {
            var explored = try await ExploredCell.explore(cell, plan, left: plan.cells.count - place) {
                isInterrupted.isRaised
            }
            screen.show(explored, number: place + 1, of: plan.cells.count)
            if story || folder != nil {
                try await explored.tell(plan.orders, gitCommit: environment?.gitCommit) {
                    isInterrupted.isRaised
                }
            }
            cells.append(explored)
            if story { try screen.tell(explored, plan) }
        }
        watch.stop()
        if let folder, let environment {
            let record = ExploreRecord(
                plan: plan, cells: cells, isInterrupted: isInterrupted.isRaised, started: started,
                environment: environment)
            try screen.finish(cells, plan, record, in: folder)
        } else {
            screen.finish(cells, plan)
        }
        if isInterrupted.isRaised { return .interrupted }
        if cells.contains(where: \.isAgainstTheory) { return .violation }
        return cells.allSatisfy(\.isAsExpected) ? .good : .inconclusive
    }
}
