import ArgumentParser
import BenchLoad
import BenchModel
import BenchResults
import BenchRun
import Foundation
import LabProcesses
import LockStrategies

/// `lab-bench run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract:
            "Runs the load against each strategy and writes report.html, LOAD_TEST_RESULT.md and results.json.",
        discussion: """
            Every strategy, both loads, about 6 minutes:
              lab-bench run
            A minute, correctness only, no ranking:
              lab-bench run --quick
            Two strategies, so long that they can be told apart:
              lab-bench run --strategies redlock,lua-atomic --rounds 7 --duration 10
            An open load at a rate of one's own:
              lab-bench run --model poisson --rate 500 --rounds 3
            Without HTTP, for what the service itself costs:
              lab-bench run --mode direct
            All three, for what strategy, service and HTTP cost each:
              lab-bench run --mode all
            Without HTTP and ledger, for what keeping buyers apart costs:
              lab-bench run --mode strategy
            How throughput grows with the number of buyers:
              lab-bench run --sweep users
            What a second without Redis does to three strategies:
              lab-bench run --fault pause-redis --strategies lua-atomic,setnx-spin,redlock
            """)

    @OptionGroup(title: "Trials")
    var trials: TrialOptions

    @OptionGroup(title: "The load")
    var load: LoadOptions

    @OptionGroup(title: "What is measured")
    var place: PlaceOptions

    @OptionGroup(title: "A fault")
    var broken: FaultOptions

    @OptionGroup(title: "Output")
    var kept: OutputOptions

    func run() async throws {
        let arrivals: ArrivalSchedule?
        let limits: Thresholds
        do throws(BenchError) {
            arrivals = try load.scheduleIn.map { path throws(BenchError) in try ScheduleFile.read(path) }
            limits =
                try kept.thresholds.map { path throws(BenchError) in try Thresholds.read(path) }
                ?? Thresholds()
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.exitCode.rawValue)
        }
        var options = RunOptions(
            mode: place.mode, scenario: load.scenario, model: load.model, rate: load.rate, sweep: load.sweep,
            scheduleIn: arrivals, strategies: trials.strategies, users: load.users,
            duration: trials.duration, warmup: trials.warmup, rounds: trials.rounds,
            openRounds: trials.openRounds, seed: trials.seed, stock: load.stock, products: load.products,
            skew: load.skew, bcryptCost: place.bcryptCost, isQuick: trials.quick, isQuiet: kept.quiet,
            output: kept.output, redis: place.redis, servers: place.servers, database: place.database,
            thresholds: limits, serverBinary: place.serverBinary,
            target: place.target, targetAuthorities: place.targetCa, isJSON: kept.json,
            isWithoutCeilings: trials.noCeilings,
            fault: broken.fault, at: broken.at, lasts: broken.lasts)
        if let program = Executable.current() { options.echoDriver = DriversEchoCommand.command(program) }
        // Small, so that it is easily typed again.
        let chance = UInt64.random(in: 1...999_999)
        let plan: RunPlan
        let visited: TargetServer?
        do throws(PlanProblems) {
            // Wrong options are said before anything is asked over the network.
            options.drivers = try await drivers { text throws(BenchError) in try PlannedDriver.named(text) }
            var asked = try RunPlan(options, seed: chance, from: LabBench.strategies)
            if !place.driver.isEmpty {
                options.drivers = try await drivers { text async throws(BenchError) in
                    try await PlannedDriver.find(text)
                }
                asked = try RunPlan(options, seed: chance, from: LabBench.strategies)
            }
            visited = try await visit(asked.target, &options)
            plan = visited == nil ? asked : try RunPlan(options, seed: chance, from: LabBench.strategies)
        } catch {
            for sentence in error.sentences { Terminal.complain(sentence) }
            throw ExitCode((error.exit).rawValue)
        }
        // A typed error stays one line on the terminal.
        let end: BenchExit
        do throws(BenchError) {
            end = try await carryOut(plan, visited)
        } catch {
            Terminal.complain(error.description)
            end = error.exitCode
        }
        throw ExitCode(end.rawValue)
    }

    /// Looks at the server that was named, and lets its own strategy be the one that is measured.
    private func visit(
        _ target: LoadTarget?, _ options: inout RunOptions
    ) async throws(PlanProblems) -> TargetServer? {
        guard let target else { return nil }
        let server: TargetServer
        do throws(BenchError) {
            server = try await TargetServer.find(target, notice: Terminal.note)
        } catch {
            throw PlanProblems(sentences: [error.description], exit: error.exitCode)
        }
        if let own = server.strategy?.name {
            if let asked = options.strategies, asked != own {
                throw PlanProblems(sentences: ["the server runs \(own), not \(asked): leave out --strategies"]
                )
            }
            options.strategies = own
        } else if options.strategies?.contains(",") != false {
            throw PlanProblems(
                sentences: ["the server does not say which strategy it runs: name it by --strategies"])
        }
        return server
    }

    /// Each `--driver`; what is wrong with one is said before anything is measured.
    private func drivers(
        _ read: (String) async throws(BenchError) -> PlannedDriver
    ) async throws(PlanProblems) -> [PlannedDriver] {
        var drivers: [PlannedDriver] = []
        for text in place.driver {
            do throws(BenchError) {
                drivers.append(try await read(text))
            } catch {
                throw PlanProblems(sentences: [error.description], exit: error.exitCode)
            }
        }
        return drivers
    }

    private func carryOut(_ plan: RunPlan, _ visited: TargetServer?) async throws(BenchError) -> BenchExit {
        try OpenFiles.makeRoom(for: plan)
        if let scheduleOut = load.scheduleOut { try ScheduleFile.write(plan, to: scheduleOut) }
        let service: ServicePlace
        if let visited {
            service = .target(visited)
        } else {
            service =
                plan.mode.isOwnProcess
                ? .ownProcess : .server(binary: try ServerProcess.find(place.serverBinary))
        }
        if let endpoint = plan.redis { try await ExternalRedis.check(endpoint) }
        if plan.database == .postgres && PostgresServerProcess.programs() == nil {
            throw BenchError(.unreachable, PostgresServerProcess.absence)
        }
        let folder = try ResultsFolder(named: kept.output, word: plan.folderWord, at: Date())
        let terminal = Terminal(isQuiet: plan.isQuiet)
        for sentence in plan.leftOut { terminal.say("left out: \(sentence)") }
        let started = Date()
        let runner = Runner(plan: plan, place: service, display: terminal)
        let before = LoadAverage.now()
        let task = Task { await runner.run() }
        let watch = InterruptWatch {
            Terminal.note("interrupted: stopping what was started, then writing what is there")
            task.cancel()
        }
        let measured = await task.value
        watch.stop()
        if let endpoint = plan.redis { try? await ExternalRedis.empty(endpoint) }
        if case .failed(let error) = measured.end, measured.finished.isEmpty {
            folder.removeIfEmpty()
            throw error
        }
        let environment = await EnvironmentInfo.current(loadBefore: before, bcryptCost: plan.hashedCost)
        let (results, layers) = Self.results(of: plan, measured, since: started, environment)
        // What was measured is shown, also when it cannot be kept.
        let writing = Result { () throws(BenchError) in
            for (layer, trials) in zip(layers, measured.layers) {
                try folder.write(layer, trials, mode: layer.workload.mode)
            }
            try folder.write(results, measured.finished)
        }
        if plan.isJSON {
            try folder.show(results)
        } else {
            terminal.finish(results, folder: folder)
        }
        try writing.get()
        if case .failed(let error) = measured.end { throw error }
        return results.verdict.exit
    }

    /// - Returns: Of the run, and of each mode inside of its own.
    private static func results(
        of plan: RunPlan, _ measured: Runner.Finished, since started: Date, _ environment: EnvironmentInfo
    ) -> (own: RunResults, layers: [RunResults]) {
        let ended = Date()
        let layers = zip(plan.layers, measured.layers).map { plan, trials in
            RunResults(
                plan: plan, trials: trials, end: measured.end, started: started, ended: ended,
                environment: environment)
        }
        let own = RunResults(
            plan: plan, trials: measured.finished, ceilings: measured.ceilings, end: measured.end,
            started: started, ended: ended, environment: environment, pipe: measured.pipe, layers: layers)
        return (own, layers)
    }
}
