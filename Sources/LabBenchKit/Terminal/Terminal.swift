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
        let board = Mutex<LiveBoard?>(nil)
    }

    let isQuiet: Bool
    private let isLive: Bool
    private let shared = Board()

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        // A terminal that does not say what it is, or is called dumb, knows no escape sequences.
        let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
        isLive = !isQuiet && isatty(1) == 1 && !["", "dumb"].contains(kind)
    }

    /// One line on standard error.
    static func complain(_ sentence: String) {
        note("lab-bench: \(sentence)")
    }

    static func note(_ sentence: String) {
        let line = sentence.split(whereSeparator: \.isNewline).joined(separator: " ")
        StandardStream.error.say("\(line)\n")
    }

    func announce(_ plan: RunPlan) {
        let rounds = Text.count(plan.rounds, "round")
        let what =
            plan.target.map { "against \($0.authority)" }
            ?? (plan.mode == .direct ? "direct mode" : "http mode")
        say(
            "\(Text.count(plan.trialCount, "trial")) of \(Text.count(plan.users, "user")), \(plan.scenario.rawValue), \(what), \(rounds), "
                + "seed \(plan.seed), about \(Text.time(plan.expectedTime)); at most "
                + "\(Repetition.mostOfRun(plan.trialCount)) spoilt trials are run again")
        if isLive {
            let names = (plan.controls + plan.strategies).map(\.name)
            shared.board.withLock { $0 = LiveBoard(names, width: Self.columns) }
        }
        #if DEBUG
            say("this is a debug build: the numbers are not representative")
        #endif
    }

    func live(_ trial: PlannedTrial, _ step: LoadProgress, of count: Int) {
        show(trial, place: "[\(trial.order)/\(count)]", step)
    }

    private func show(_ trial: PlannedTrial, place: String, _ step: LoadProgress) {
        guard isLive else { return }
        let line = LiveLine(place: place, model: trial.model, progress: step)
        let width = Self.columns
        write(
            shared.board.withLock { board in
                // A terminal may be made narrower while the bench runs.
                board?.width = width
                return board?.update(trial.strategy.name, line)
            } ?? "")
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
        show(trial.planned, place: "done", step)
        let figures = LiveLine.figures(step)
        say("\(name(trial.planned, count)) \(mark.isEmpty ? "" : mark + " ")\(figures)  \(note)")
    }

    /// A trial that the instrument has spoilt is run again.
    func repeats(_ trial: FinishedTrial) {
        let why = trial.spoilers.map { "\($0.id) \($0.value), must be \($0.limit)" }.joined(separator: "; ")
        say("         run again (\(trial.attempt) of at most \(Repetition.mostOfTrial)): \(why)")
    }

    func clearLine() {
        if isLive { write(shared.board.withLock { $0?.clear() } ?? "") }
    }

    /// The table, the verdict and the path; the last line is always the path.
    func finish(_ results: RunResults, reportPath: String) {
        clearLine()
        write("\n" + SummaryTable(results).lines.joined(separator: "\n") + "\n\n")
        write("\(results.verdict.word): \(results.verdict.sentence)\n")
        write("report: \(reportPath)\n")
    }

    private func name(_ trial: PlannedTrial, _ count: Int) -> String {
        let place = "[\(trial.order)/\(count)]"
        let width = StrategyRegistry.builtIn.names.map(\.count).max() ?? 0
        let model = trial.model.rawValue.padding(to: 8)
        return "\(place.padding(to: 8)) \(trial.strategy.name.padding(to: width)) \(model)"
    }

    func say(_ line: String) {
        if isQuiet { return }
        write(shared.board.withLock { $0?.say(line) } ?? "\(line)\n")
    }

    private func write(_ text: String) {
        StandardStream.output.say(text)
    }
}
