import ArgumentParser
import BenchLoad
import BenchModel
import BenchResults
import BenchRun
import Foundation
import LockStrategies

/// `lab-bench run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the load against each strategy and writes LOAD_TEST_RESULT.md and results.json.")

    @Option(help: "http: a lab-server of its own; direct: the service in lab-bench's process; default http.")
    var mode: String?

    @Option(
        help:
            "purchase: logged-in users buy; journey: register, log in, view, buy, history; default purchase.")
    var scenario: String?

    @Option(
        help: "closed, constant, poisson, or both: closed, then poisson at one rate; default both.")
    var model: String?

    @Option(
        help: "Purchases per second of the open model; default with both: 70 % of the slowest strategy's.")
    var rate: Double?

    @Option(
        help:
            "users: closed loads of 1 to 128 users; rate: open loads at rising rates; one round, no ranking.")
    var sweep: String?

    @Option(help: "Reads from this file when each request of the open load starts.")
    var scheduleIn: String?

    @Option(help: "Writes to this file when each request of the open load of round 1 starts; needs --rate.")
    var scheduleOut: String?

    @Option(
        help: "Comma-separated ids; default: all of `lab-bench strategies`. The negative control always runs."
    )
    var strategies: String?

    @Option(help: "Buyers at the same time, each on a connection of its own; default 100.")
    var users: Int?

    @Option(help: "Measured seconds of each trial; default 7.")
    var duration: Double?

    @Option(
        help: """
            Seconds of load before the measurement; default 1. A closed load is measured when it sells evenly, at most \
            four times as late.
            """)
    var warmup: Double?

    @Option(help: "Trials of each strategy; default 3.")
    var rounds: Int?

    @Option(
        help: "Rounds of the open load; default 1. One round shows the load, but cannot rank strategies.")
    var openRounds: Int?

    @Option(help: "Seed of the trial order. Default: random; it is printed.")
    var seed: UInt64?

    @Option(help: "Units of each product; default 10,000,000 (2,000 in all for the negative control).")
    var stock: Int?

    @Option(help: "Products on sale in each trial, 1 to 1,000; default 1.")
    var products: Int?

    @Option(
        help:
            "Exponent of the demand over the products: rank k is wanted as 1/k^SKEW; 0: all alike; default 1."
    )
    var skew: Double?

    @Option(help: "bcrypt cost for the bench's own test users, 4 to 31. Default 4, the cheapest.")
    var bcryptCost: Int?

    @Flag(help: "One round of 3 s: correctness only, no ranking.")
    var quick = false

    @Option(help: "Directory for the results; default results/<time>-<scenario>-<host>.")
    var output: String?

    @Option(help: "URL of a Redis with an empty database; default: start one for each trial.")
    var redis: String?

    @Option(help: "The lab-server to measure; default: the one next to lab-bench.")
    var serverBinary: String?

    @Option(
        help:
            "http://HOST:PORT, or https, of a lab-server that is running already: users and products are made there and stay."
    )
    var target: String?

    @Option(
        help:
            "PEM file with the CA certificates that may sign an https target's certificate; default: the system's."
    )
    var targetCa: String?

    @Option(help: "JSON file: p95_ms, success_percent, noise_floor_percent; default: 100, 95, 2.")
    var thresholds: String?

    @Flag(help: "Print only the last table and the path of the report.")
    var quiet = false

    @Flag(help: "Skip the short loads that test HTTP, Redis and SQLite separately.")
    var noCeilings = false

    @Flag(help: "Print results.json on standard output, and nothing else there.")
    var json = false

    func run() async throws {
        let arrivals: ArrivalSchedule?
        let limits: Thresholds
        do throws(BenchError) {
            arrivals = try scheduleIn.map { path throws(BenchError) in try ScheduleFile.read(path) }
            limits =
                try thresholds.map { path throws(BenchError) in try Thresholds.read(path) } ?? Thresholds()
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(error.exitCode.rawValue)
        }
        var options = RunOptions(
            mode: mode, scenario: scenario, model: model, rate: rate, sweep: sweep, scheduleIn: arrivals,
            strategies: strategies, users: users, duration: duration, warmup: warmup, rounds: rounds,
            openRounds: openRounds,
            seed: seed, stock: stock, products: products, skew: skew, bcryptCost: bcryptCost,
            isQuick: quick, isQuiet: quiet, output: output, redis: redis, thresholds: limits,
            serverBinary: serverBinary, target: target, targetAuthorities: targetCa, isJSON: json,
            isWithoutCeilings: noCeilings)
        // Small, so that it is easily typed again.
        let chance = UInt64.random(in: 1...999_999)
        let plan: RunPlan
        let visited: TargetServer?
        do throws(PlanProblems) {
            // Wrong options are said before anything is asked over the network.
            let asked = try RunPlan(options, seed: chance)
            visited = try await visit(asked.target, &options)
            plan = visited == nil ? asked : try RunPlan(options, seed: chance)
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

    private func carryOut(_ plan: RunPlan, _ visited: TargetServer?) async throws(BenchError) -> BenchExit {
        try OpenFiles.makeRoom(for: plan)
        if let scheduleOut { try ScheduleFile.write(plan, to: scheduleOut) }
        let place: ServicePlace
        if let visited {
            place = .target(visited)
        } else {
            place =
                plan.mode == .direct
                ? .ownProcess : .server(binary: try ServerProcess.find(serverBinary))
        }
        if let endpoint = plan.redis { try await ExternalRedis.check(endpoint) }
        let folder = try ResultsFolder(named: output, word: plan.folderWord, at: Date())
        let terminal = Terminal(isQuiet: plan.isQuiet)
        let started = Date()
        let runner = Runner(plan: plan, place: place, display: terminal)
        let load = LoadAverage.now()
        let task = Task { await runner.run() }
        let watch = InterruptWatch {
            Terminal.note("interrupted: stopping what was started, then writing what is there")
            task.cancel()
        }
        let trials = await task.value
        watch.stop()
        if let endpoint = plan.redis { try? await ExternalRedis.empty(endpoint) }
        if case .failed(let error) = trials.end, trials.finished.isEmpty {
            folder.removeIfEmpty()
            throw error
        }
        let results = RunResults(
            plan: plan, trials: trials.finished, ceilings: trials.ceilings, end: trials.end, started: started,
            ended: Date(),
            environment: await EnvironmentInfo.current(loadBefore: load, bcryptCost: plan.hashedCost))
        // What was measured is shown, also when it cannot be kept.
        let kept = Result { () throws(BenchError) in try folder.write(results, trials.finished) }
        if plan.isJSON {
            try folder.show(results)
        } else {
            terminal.finish(results, reportPath: folder.reportPath)
        }
        try kept.get()
        if case .failed(let error) = trials.end { throw error }
        return results.verdict.exit
    }
}
