import ArgumentParser
import BenchModel
import BenchReports
import BenchResults
import BenchRun
import BenchStatistics
import Foundation
import LabProcesses
import LockStrategies

/// `lab-bench compare`.
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Says whether one result is slower than another, or one lab-server than another.",
        discussion: """
            BASE and NEW are results.json files, or the directories that hold them. With --paired they are two \
            lab-server programs, which are measured here in interleaved rounds: that is what CI should use, \
            because both meet the same machine in the same minutes.

            Two programs, for a pull request:
              lab-bench compare --paired base/lab-server new/lab-server --markdown summary.md
            As many rounds as it takes to know within 5 %:
              lab-bench compare --paired base/lab-server new/lab-server --until 5
            Two results that are there:
              lab-bench compare results/OLD results/NEW --html comparison.html

            Exit codes: 0 no regression, 2 regression, 3 invalid, 4 correctness violation, 5 not comparable, \
            not answered, or trials too different to tell, 6 not reachable, 64 usage, 130 interrupted.
            """)

    @Argument(help: "Results, or with --paired a lab-server.")
    var base: String

    @Argument(help: "Results, or with --paired a lab-server.")
    var new: String

    @Flag(help: "Measure two lab-server programs here, in interleaved rounds.")
    var paired = false

    @Option(
        help: "With --paired: comma-separated ids; default: all but the negative control and pg-advisory.",
        completion: .list(StrategyRegistry.builtIn.names))
    var strategies: String?

    @Option(help: "With --paired: buyers at the same time; default 100.")
    var users: Int?

    @Option(help: "With --paired: measured seconds of each trial; default 3.")
    var duration: Double?

    @Option(help: "With --paired: seconds of load before the measurement; default 1.")
    var warmup: Double?

    @Option(help: "With --paired: trials of each strategy and server; default 7.")
    var rounds: Int?

    @Option(
        help: """
            With --paired: go on until every interval reaches no more than so many per cent to either side, or until \
            --most-rounds; the intervals allow for looking several times.
            """)
    var until: Double?

    @Option(help: "With --until: rounds at most; default 40. The first look is after --rounds.")
    var mostRounds: Int?

    @Option(
        help: """
            With --paired: purchases per second of an open load (Poisson), in addition to the closed load, with the same \
            number of rounds: a closed load hides stalls.
            """)
    var rate: Double?

    @Option(help: "With --paired: seed of the trial order. Default: random; it is printed.")
    var seed: UInt64?

    @Option(help: "With --paired: directory for the results; default results/<time>-compare-<host>.")
    var output: String?

    @Option(
        help:
            "JSON file: p95_ms, success_percent, regression_percent, noise_floor_percent, unresolved_percent."
    )
    var thresholds: String?

    @Option(help: "Writes a summary for a pull request to this file.")
    var markdown: String?

    @Option(help: "Writes the comparison as a page with pictures to this file.")
    var html: String?

    @Option(help: "Writes the new results in Bencher's metric format to this file.")
    var bmf: String?

    @Flag(help: "Print the comparison as JSON.")
    var json = false

    @Flag(help: "Print the verdict only.")
    var quiet = false

    func run() async throws {
        let end: BenchExit
        do throws(BenchError) {
            try ResultsFolder.check(markdown)
            try ResultsFolder.check(bmf)
            let limits = try thresholds.map { path throws(BenchError) in try Thresholds.read(path) }
            try ResultsFolder.check(html)
            let (before, after, folder) = try await bothResults(limits ?? Thresholds())
            let comparison = Comparison(base: before, new: after, thresholds: limits ?? Thresholds())
            let page = ComparisonPage(comparison, base: before, new: after, command: command(after))
            try write(comparison, after, page)
            if let folder { try keep(comparison, after, page, in: folder) }
            end = comparison.exit
        } catch {
            Terminal.complain(error.description)
            end = error.exitCode
        }
        throw ExitCode(end.rawValue)
    }

    /// - Returns: The folder that is made for it, where both are measured here.
    private func bothResults(
        _ limits: Thresholds
    ) async throws(BenchError) -> (RunResults, RunResults, ResultsFolder?) {
        if paired { return try await measure(limits) }
        let given: [Any?] = [
            strategies, users, duration, warmup, rounds, rate, until, mostRounds, seed, output,
        ]
        if given.contains(where: { $0 != nil }) {
            throw BenchError(.badInput, "--strategies, --users, … --output are for --paired")
        }
        return (try ResultsFile.read(base), try ResultsFile.read(new), nil)
    }

    /// Measures or compares the same again. A run that looked several times goes on by itself.
    private func command(_ results: RunResults) -> String {
        var words =
            ["lab-bench", "compare"] + (paired ? ["--paired"] : [])
            // A whole path says where this machine keeps its files.
            + [base, new].map { $0.hasPrefix("/") ? ($0 as NSString).lastPathComponent : $0 }
        if paired {
            words += ["--strategies", results.workload.strategies.joined(separator: ",")]
            words += ["--users", "\(results.workload.users)"]
            words += ["--duration", Text.plain(results.workload.durationSeconds)]
            words += ["--warmup", Text.plain(results.workload.warmupSeconds)]
            words += ["--rounds", "\(until == nil ? results.workload.rounds : rounds ?? 7)"]
            words += until.map { ["--until", Text.plain($0), "--most-rounds", "\(mostRounds ?? 40)"] } ?? []
            words += rate.map { ["--rate", Text.plain($0)] } ?? []
            words += ["--seed", "\(results.run.seed)"]
        }
        words += thresholds == nil ? [] : ["--thresholds", "FILE"]
        return words.joined(separator: " ")
    }

    /// The comparison beside the results that it compares.
    private func keep(
        _ comparison: Comparison, _ results: RunResults, _ page: ComparisonPage, in folder: ResultsFolder
    ) throws(BenchError) {
        let files = [
            ("comparison.html", Data(page.text.utf8)),
            ("COMPARISON.md", Data(ComparisonText(comparison).markdown(command: command(results)).utf8)),
        ]
        do {
            for (name, data) in files + [("comparison.json", try comparison.json())] {
                try data.write(to: URL(fileURLWithPath: "\(folder.path)/\(name)"), options: .atomic)
            }
        } catch {
            throw BenchError(.outputFailed, "the comparison cannot be written to \(folder.path)")
        }
        if !quiet && !json { StandardStream.output.say("report: \(folder.path)/comparison.html\n") }
    }

    private func write(
        _ comparison: Comparison, _ results: RunResults, _ page: ComparisonPage
    ) throws(BenchError) {
        let text = ComparisonText(comparison)
        do {
            if let markdown {
                let summary = text.markdown(command: command(results))
                try Data(summary.utf8).write(to: URL(fileURLWithPath: markdown))
            }
            if let html { try Data(page.text.utf8).write(to: URL(fileURLWithPath: html)) }
            if let bmf, [.good, .regression].contains(comparison.exit) {
                try BencherMetrics.json(results).write(to: URL(fileURLWithPath: bmf))
            } else if bmf != nil {
                Terminal.complain(
                    "no metrics were written: a run that is \(comparison.exit.word) is no baseline")
            }
            let shown =
                json
                ? try comparison.json()
                : Data((quiet ? "\(comparison.exit.word): \(comparison.sentence)\n" : text.plain).utf8)
            try StandardStream.output.write([UInt8](shown))
        } catch {
            throw BenchError(.outputFailed, "the comparison cannot be written: \(error)")
        }
    }
}

extension CompareCommand {
    /// Measures both programs and keeps both results.
    private func measure(
        _ limits: Thresholds
    ) async throws(BenchError) -> (RunResults, RunResults, ResultsFolder?) {
        let looks = try looks()
        let plan = try plan(limits, rounds: looks?.rounds.last)
        try OpenFiles.makeRoom(for: plan)
        let (before, after) = (try ServerProcess.find(base), try ServerProcess.find(new))
        let started = Date()
        let folder = try ResultsFolder(named: output, word: "compare", at: started)
        let terminal = Terminal(isQuiet: quiet || json)
        terminal.say(
            "\(plan.trialCount) trials of each server, \(plan.users) users, seed \(plan.seed), about "
                + Text.time(plan.expectedTime * 2) + (looks == nil ? "" : " at most"))
        let load = LoadAverage.now()
        let runner = PairedRunner(
            plan: plan, base: .server(binary: before), new: .server(binary: after), display: terminal,
            looks: looks, isEnough: looks.flatMap { looks in until.map { isEnough($0, looks, terminal) } })
        let task = Task { await runner.run() }
        let watch = InterruptWatch {
            Terminal.note("interrupted: stopping what was started, then writing what is there")
            task.cancel()
        }
        let finished = await task.value
        watch.stop()
        if case .failed(let error) = finished.end {
            folder.removeIfEmpty()
            throw error
        }
        let environment = await EnvironmentInfo.current(loadBefore: load)
        let pair = UUID().uuidString.lowercased()
        func results(
            _ trials: [FinishedTrial], _ name: String, _ program: String
        ) async throws(BenchError) -> RunResults {
            var environment = environment
            environment.gitCommit = await EnvironmentInfo.commit(
                of: URL(filePath: program).deletingLastPathComponent().path())
            var results = RunResults(
                plan: plan, trials: trials, end: finished.end, started: started, ended: Date(),
                environment: environment)
            results.run.pair = pair
            results.run.looks = looks?.count
            if looks != nil { results.workload.rounds = finished.rounds }
            try ResultsFolder(named: "\(folder.path)/\(name)", word: name, at: started).write(results, trials)
            return results
        }
        let both = (
            try await results(finished.base, "base", before),
            try await results(finished.new, "new", after), Optional(folder)
        )
        terminal.say("results: \(folder.path)/base and \(folder.path)/new\n")
        return both
    }

    /// When a comparison that goes on is looked at; nil: it has its rounds, and no more.
    private func looks() throws(BenchError) -> Looks? {
        guard let until else {
            guard mostRounds == nil else { throw BenchError(.badInput, "--most-rounds needs --until") }
            return nil
        }
        let (first, most) = (rounds ?? 7, mostRounds ?? 40)
        guard (0.1...100).contains(until) else {
            throw BenchError(.badInput, "--until must be from 0.1 to 100 per cent")
        }
        guard rate == nil else {
            throw BenchError(.badInput, "--until goes with a closed load: leave out --rate")
        }
        guard first >= LogRatio.leastTrials, first <= most, most <= 1_000 else {
            throw BenchError(
                .badInput,
                "--until needs --rounds from \(LogRatio.leastTrials) to --most-rounds, and that is 1,000 at most"
            )
        }
        return Looks(first: first, most: most)
    }

    private func isEnough(
        _ percent: Double, _ looks: Looks, _ terminal: Terminal
    ) -> @Sendable (PairedRunner.Finished) -> Bool {
        { finished in
            guard let widest = finished.widest(looks: looks.count) else { return false }
            let width = Text.number(widest.width * 100, digits: 1)
            terminal.say("after \(finished.rounds) rounds: ±\(width) % at most (\(widest.name))")
            return widest.width <= percent / 100
        }
    }

    private func plan(_ limits: Thresholds, rounds most: Int?) throws(BenchError) -> RunPlan {
        let rounds = most ?? rounds
        var defaults = RunPlan.Defaults()
        defaults.rounds = 7
        defaults.duration = .seconds(3)
        let real = StrategyRegistry.builtIn.entries.filter { !$0.isNegativeControl && !$0.needsPostgres }
            .map(\.name)
        let named = strategies?.split(separator: ",").map { $0.filter { !$0.isWhitespace } } ?? []
        if let beside = StrategyRegistry.builtIn.entries.first(where: {
            $0.needsPostgres && named.contains($0.name)
        }) {
            throw BenchError(
                .badInput,
                "\(beside) takes its lock in PostgreSQL, and compare --paired starts none: measure it by run "
                    + "--database postgres")
        }
        do throws(PlanProblems) {
            let options = RunOptions(
                model: rate == nil ? LoadModel.closed.rawValue : "both", rate: rate,
                strategies: strategies ?? real.joined(separator: ","),
                users: users, duration: duration, warmup: warmup, rounds: rounds,
                openRounds: rate == nil ? nil : rounds ?? defaults.rounds, seed: seed, isQuiet: quiet,
                output: output, thresholds: limits)
            return try RunPlan(options, seed: UInt64.random(in: 1...999_999), defaults: defaults)
        } catch {
            throw BenchError(.badInput, error.sentences.joined(separator: "; "))
        }
    }
}
