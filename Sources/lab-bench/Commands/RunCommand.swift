import ArgumentParser
import Foundation
import LockStrategies

/// `lab-bench run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the load against each strategy and writes LOAD_TEST_RESULT.md and results.json.")

    @Option(help: "http: a lab-server of its own; direct: the service in lab-bench's process; default http.")
    var mode: String?

    @Option(help: "Comma-separated ids; default: all of `lab-bench strategies`.")
    var strategies: String?

    @Option(help: "Buyers at the same time, each on a connection of its own; default 100.")
    var users: Int?

    @Option(help: "Measured seconds of each trial; default 10.")
    var duration: Double?

    @Option(help: "Seconds of load before the measurement; default 2.")
    var warmup: Double?

    @Option(help: "Trials of each strategy; default 3.")
    var rounds: Int?

    @Option(help: "Of the order of the trials; default: a random one, printed.")
    var seed: UInt64?

    @Option(help: "Units on sale in each trial; default 10,000,000 (2,000 at most for the negative control).")
    var stock: Int?

    @Flag(help: "One round of 3 s: correctness only, no ranking.")
    var quick = false

    @Option(help: "Directory for the results; default results/<time>-<purchase or purchase-direct>-<host>.")
    var output: String?

    @Option(help: "URL of a Redis with an empty database; default: start one for each trial.")
    var redis: String?

    @Option(help: "The lab-server to measure; default: the one next to lab-bench.")
    var serverBinary: String?

    @Flag(help: "Print only the last table and the path of the report.")
    var quiet = false

    func run() async throws {
        let options = RunOptions(
            mode: mode, strategies: strategies, users: users, duration: duration, warmup: warmup,
            rounds: rounds, seed: seed, stock: stock, isQuick: quick, isQuiet: quiet, output: output,
            redis: redis, serverBinary: serverBinary)
        let plan: RunPlan
        do {
            // Small, so that it is easily typed again.
            plan = try RunPlan(options, seed: UInt64.random(in: 1...999_999))
        } catch {
            for sentence in error.sentences { Terminal.complain(sentence) }
            throw ExitCode(BenchExit.usage.rawValue)
        }
        // A typed error stays one line on the terminal.
        let end: BenchExit
        do throws(BenchError) {
            end = try await run(plan)
        } catch {
            Terminal.complain(error.description)
            end = error.exitCode
        }
        throw ExitCode(end.rawValue)
    }

    private func run(_ plan: RunPlan) async throws(BenchError) -> BenchExit {
        let place: ServicePlace =
            switch plan.mode {
            case .http: .server(binary: try ServerProcess.find(serverBinary))
            case .direct: .ownProcess
            }
        if let endpoint = plan.redis { try await ExternalRedis.check(endpoint) }
        let folder = try ResultsFolder(named: output, of: plan.mode, at: Date())
        let terminal = Terminal(isQuiet: plan.isQuiet)
        let started = Date()
        let runner = Runner(plan: plan, place: place, terminal: terminal)
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
            plan: plan, trials: trials.finished, end: trials.end, started: started, ended: Date(),
            environment: await EnvironmentInfo.current(loadBefore: load))
        try folder.write(results)
        terminal.finish(results, reportPath: folder.reportPath)
        if case .failed(let error) = trials.end { throw error }
        return results.verdict.exit
    }
}
