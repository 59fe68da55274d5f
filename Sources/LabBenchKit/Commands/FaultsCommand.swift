import ArgumentParser
import BenchModel
import BenchResults
import BenchRun
import FaultAudit
import FaultInjection
import FaultLab
import Foundation
import LabProcesses
import LockStrategies

/// `lab-bench faults`.
struct FaultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Breaks something under every strategy, and says which lock breaks under what.",
        discussion: """
            Every fault with every strategy at both levels:
              lab-bench faults
            What a stalled holder does to two locks:
              lab-bench faults --strategies setnx-spin,fenced --faults slow-holder,pause-buyer
            The whole service, with its ledger:
              lab-bench faults --level service
            Two servers on one PostgreSQL, one of which, or the PostgreSQL, is struck:
              lab-bench faults --servers 2 --strategies lua-atomic,setnx-notify
            The same three times, with other moments:
              lab-bench faults --seeds 3
            A lock of your own, in any language (docs/DRIVERS.md), which must survive a killed buyer:
              lab-bench faults --driver mine='python3 my_driver.py' --must-hold none,kill-buyer

            Faults:
            \(Fault.allCases.map { "  \($0.rawValue.padding(toLength: 22, withPad: " ", startingAt: 0))\($0.summary)" }.joined(separator: "\n"))

            A cell is one strategy under one fault. It is tried until a violation is shown, or until its tries are spent: one, \
            ten where theory demands a violation, three where theory says nothing. Theory says nothing of a driver: its cells \
            are what was seen, and change no exit code, but for the faults of --must-hold.

            Exit codes: 0 every cell came out as theory says, 4 a cell that should be safe is violated or the ledger lost \
            something, 5 a cell is unknown or was not run, or a violation that theory demands was not shown, 6 a program is \
            missing, 64 usage, 130 interrupted.
            """)

    @Option(
        help: "Comma-separated ids; default: all of `lab-bench strategies`, or none beside a --driver.",
        completion: .list(LabBench.strategies.names))
    var strategies: String?

    @Option(
        help: ArgumentHelp(
            "A lock in any language, started as COMMAND (docs/DRIVERS.md), at the level of the strategy; may be repeated.",
            valueName: "NAME=COMMAND"))
    var driver: [String] = []

    @Option(
        help: "Comma-separated faults under which no driver may be violated; default: none of them.",
        completion: .list(Fault.names))
    var mustHold: String?

    @Option(help: "Comma-separated ids of the list above; default: all.", completion: .list(Fault.names))
    var faults: String?

    @Option(
        help: """
            strategy: worker processes buy through the strategy itself; service: over HTTP from a lab-server with its \
            ledger; default: both.
            """, completion: .list(FaultLevel.allCases.map(\.rawValue)))
    var level: String?

    @Option(
        help: """
            lab-server processes at the level of the service, 1 to 4; several share one PostgreSQL, which is started with \
            them. What strikes a server or its connections strikes one of them. Default 1.
            """)
    var servers = 1

    @Option(help: "Decides when and whom a fault strikes; default 1.")
    var seed: UInt64 = 1

    @Option(help: "So many seeds, from --seed on; default 1.")
    var seeds = 1

    @Option(
        help: "The run ends after this time at the latest, as in 90s, 30m, 2h; default: twice the expected.")
    var budget: String?

    @Option(help: "Directory for the results; default: results/<time>-faults-<host>.")
    var output: String?

    @Option(help: "The lab-server to start; default: the one beside lab-bench.", completion: .file())
    var serverBinary: String?

    @Flag(help: "Prints faults.json instead of text.")
    var json = false

    @Flag(help: "Prints the end only.")
    var quiet = false

    func run() async throws {
        let end: BenchExit
        do throws(BenchError) {
            end = try await carryOut(try await plan())
        } catch {
            Terminal.complain(error.description)
            end = error.exitCode
        }
        throw ExitCode(end.rawValue)
    }

    private func plan() async throws(BenchError) -> FaultPlan {
        var drivers: [PlannedDriver] = []
        for text in driver { drivers.append(try await PlannedDriver.find(text)) }
        return try FaultPlan(
            strategies: strategies, faults: faults, level: level, seed: seed, seeds: seeds, budget: budget,
            drivers: drivers, mustHold: mustHold, servers: servers)
    }

    private func carryOut(_ plan: FaultPlan) async throws(BenchError) -> BenchExit {
        let programs = try await FaultPrograms.find(plan, server: serverBinary)
        let folder = try ResultsFolder(named: output, word: "faults", at: Date())
        let matrix = plan.matrix
        let screen = FaultScreen(isSilent: quiet || json, count: matrix.cells.count)
        screen.announce(plan, folder: folder.path)
        let started = Date()
        let before = LoadAverage.now()
        let task = Task {
            await matrix.run(
                programs, budget: plan.budget,
                keep: { cell, record in folder.keep(record.history, of: cell) },
                finished: { screen.show($0, number: $1) })
        }
        let watch = InterruptWatch {
            Terminal.note("interrupted: stopping what was started, then writing the cells that are done")
            task.cancel()
        }
        let cells = await task.value
        watch.stop()
        let isInterrupted = task.isCancelled && cells.count < matrix.cells.count
        let environment = await EnvironmentInfo.current(loadBefore: before)
        let results = FaultResults(
            run: .init(
                started: started, ended: Date(), command: plan.command, seed: seed, seeds: seeds,
                budgetSeconds: plan.budget / .seconds(1), servers: plan.servers > 1 ? plan.servers : nil,
                gitCommit: environment.gitCommit,
                status: isInterrupted
                    ? .interrupted : cells.count < matrix.cells.count ? .outOfTime : .complete),
            env: environment,
            strategies: plan.strategies.map { .init(id: $0.name, summary: $0.traits.summary) },
            faults: plan.faults.map { .init(id: $0.rawValue, summary: $0.summary) }, cells: cells,
            notApplicable: matrix.notApplicable, notRun: matrix.cells.count - cells.count)
        guard !cells.isEmpty else {
            folder.removeIfEmpty()
            return isInterrupted ? .interrupted : results.exit
        }
        let writing = Result { () throws(BenchError) in try folder.write(results) }
        if json {
            try folder.show(results)
        } else {
            screen.finish(results, folder: folder.path)
        }
        try writing.get()
        return results.exit
    }
}

extension Fault {
    static var names: [String] { allCases.map(\.rawValue) }
}
