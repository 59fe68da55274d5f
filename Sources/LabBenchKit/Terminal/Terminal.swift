import BenchAudit
import BenchLoad
import BenchModel
import BenchReports
import BenchResults
import BenchRun
import BenchStatistics
import Foundation
import LabProcesses
import LockStrategies
import Synchronization

/// What a person sees while the bench runs: on a terminal one live line for each strategy and below it what
/// stays, plain lines else.
struct Terminal: RunDisplay {
    /// Shared by all copies: there is one terminal.
    private final class Board: Sendable {
        struct State: Sendable {
            var board: LiveBoard?
            var clock = RunClock(expected: .zero, at: .now)
            /// What comes before the trials, and is over when the first one goes on.
            var before = Duration.zero
        }

        let state = Mutex(State())
    }

    let isQuiet: Bool
    private let isLive: Bool
    private let isTerminal: Bool
    private let paint: Paint
    private let shared = Board()

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        // A terminal that does not say what it is, or is called dumb, knows no escape sequences.
        let environment = ProcessInfo.processInfo.environment
        isTerminal = isatty(1) == 1
        paint = Paint(isTerminal: isTerminal, environment: environment)
        isLive = !isQuiet && isTerminal && !["", "dumb"].contains(environment["TERM"] ?? "")
    }

    /// One line on standard error.
    static func complain(_ sentence: String) {
        note("\(LabBench.name): \(sentence)")
    }

    static func note(_ sentence: String) {
        let line = sentence.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardStream.error.say("\(line)\n")
    }

    func announce(_ plan: RunPlan) {
        let rounds = Text.count(plan.rounds, "round")
        let what =
            plan.target.map { "against \($0.authority)" }
            ?? (plan.layers + [plan]).map(\.mode.rawValue).joined(separator: ", ") + " mode"
        let trials = plan.layers.reduce(plan.trialCount) { $0 + $1.trialCount }
        say(
            "\(Text.count(trials, "trial")) of \(Text.count(plan.users, "user")), \(plan.scenario.rawValue), \(what), \(rounds), "
                + "seed \(plan.seed), about \(Text.time(plan.expectedTime)); at most "
                + "\(Repetition.mostOfRun(plan.trialCount)) spoilt trials are run again")
        shared.state.withLock { state in
            state.clock = RunClock(expected: plan.expectedTime, at: .now)
            state.before = plan.ceilingTime
            guard isLive else { return }
            let names = (plan.controls + plan.strategies).map(\.name)
            state.board = LiveBoard(names, loads: plan.models, width: Self.columns)
        }
        #if DEBUG
            say("this is a debug build: the numbers are not representative")
        #endif
    }

    func live(_ trial: PlannedTrial, _ step: LoadProgress, of count: Int) {
        guard isLive else { return }
        let line = LiveLine(model: trial.model, swept: trial.swept, progress: step)
        let width = Self.columns
        write(
            shared.state.withLock { state in
                state.clock.passed(state.before)
                state.before = .zero
                let status = state.clock.text(
                    trial: trial.order, of: count, part: trial.expectedTime, share: step.share, at: .now)
                // A terminal may be made narrower while the bench runs.
                state.board?.width = width
                return state.board?.update(trial.strategy.name, line, status: status) ?? ""
            })
    }

    /// Width of the terminal; 80 where it does not say.
    private static var columns: Int {
        var size = winsize()
        let isRead = unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0
        return isRead && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    func finished(_ trial: FinishedTrial, of count: Int, note mark: String) {
        let record = trial.record
        let p99 = Percentile.of(record.response(.success), 0.99)
        let last = record.progress(share: 1)
        let step = LoadProgress(
            share: 1, successesPerSecond: record.purchasesPerSecond, p99Microseconds: p99,
            errors: last.errors, recentRates: last.recentRates)
        let red = trial.checks.filter { $0.state == .fail || $0.state == .unknown }
        let skipped = trial.checks.count { $0.state == .notChecked }
        let rest = skipped > 0 ? "all checks pass (\(skipped) cannot be made)" : "all checks pass"
        let isCaught =
            trial.planned.strategy.isNegativeControl
            && trial.checks.contains { $0.kind == .correctness && $0.state == .fail }
        let word = isCaught ? "caught, as it must be: " : "not passed: "
        // Of a control only what it sold wrongly says anything.
        let told = isCaught ? red.filter { $0.kind == .correctness } : red
        let note = red.isEmpty ? rest : word + told.map(\.id).joined(separator: ", ")
        let line = LiveLine(model: trial.planned.model, progress: step)
        let swept = LiveLine(model: trial.planned.model, swept: trial.planned.swept, progress: step)
        let drawn = shared.state.withLock { state in
            state.clock.passed(trial.planned.expectedTime)
            return state.board?.finish(trial.planned.strategy.name, swept)
        }
        if let drawn { write(drawn) }
        say("\(name(trial.planned, count)) \(mark.isEmpty ? "" : mark + " ")\(line.whole)  \(note)")
    }

    /// A trial that the instrument has spoilt is run again.
    func repeats(_ trial: FinishedTrial) {
        shared.state.withLock { $0.clock.repeats(trial.planned.expectedTime) }
        let why = trial.spoilers.map { "\($0.id) \($0.value), must be \($0.limit)" }.joined(separator: "; ")
        say("         run again (\(trial.attempt) of at most \(Repetition.mostOfTrial)): \(why)")
    }

    func clearLine() {
        if isLive { write(shared.state.withLock { $0.board?.clear() } ?? "") }
    }

    /// The table, the answer, the verdict and the paths; the last line is always that of the Markdown report.
    func finish(_ results: RunResults, folder: ResultsFolder) {
        clearLine()
        let width = isTerminal ? Self.columns : 80
        write("\n" + SummaryTable(results, width: width, paint: paint).lines.joined(separator: "\n") + "\n\n")
        for sentence in Answer(results).sentences { write(wrapped(sentence) + "\n") }
        write(
            paint.verdict(results.verdict.word)
                + wrapped(": \(results.verdict.sentence)", after: results.verdict.word) + "\n")
        write("pictures: \(folder.pagePath)\nreport: \(folder.reportPath)\n")
    }

    /// On a terminal no word is cut by its edge.
    private func wrapped(_ text: String, after start: String = "") -> String {
        isTerminal ? text.wrapped(to: Self.columns - 1, after: start.count) : text
    }

    private func name(_ trial: PlannedTrial, _ count: Int) -> String {
        let place = "[\(trial.order)/\(count)]"
        let width = LabBench.strategies.names.map(\.count).max() ?? 0
        let model = trial.swept?.padding(to: 12) ?? trial.model.rawValue.padding(to: 8)
        return "\(place.padding(to: 8)) \(trial.strategy.name.padding(to: width)) \(model)"
    }

    func say(_ line: String) {
        if isQuiet { return }
        write(shared.state.withLock { $0.board?.say(line) } ?? "\(line)\n")
    }

    private func write(_ text: String) {
        StandardStream.output.say(text)
    }
}
