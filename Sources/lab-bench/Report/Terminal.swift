import Foundation
import LockStrategies

/// What a person sees while the bench runs: one live line for each trial on a terminal, plain lines else.
struct Terminal: Sendable {
    let isQuiet: Bool
    private let isLive: Bool

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        isLive = !isQuiet && isatty(1) == 1
    }

    /// One line on standard error.
    static func complain(_ sentence: String) {
        note("lab-bench: \(sentence)")
    }

    static func note(_ sentence: String) {
        let line = sentence.split(whereSeparator: \.isNewline).joined(separator: " ")
        FileHandle.standardError.write(Data("\(line)\n".utf8))
    }

    func announce(_ plan: RunPlan, trials: Int) {
        let rounds = plan.rounds == 1 ? "1 round" : "\(plan.rounds) rounds"
        say(
            "\(trials) trials of \(plan.users) users, \(plan.mode.rawValue) mode, \(rounds), seed \(plan.seed), "
                + "about \(Text.time(plan.expectedTime))")
        #if DEBUG
            say("this is a debug build: the numbers are not representative")
        #endif
    }

    func live(_ trial: PlannedTrial, _ step: LoadProgress, of count: Int) {
        guard isLive else { return }
        let cells = Int((step.share * 20).rounded())
        let bar = String(repeating: "#", count: cells) + String(repeating: ".", count: 20 - cells)
        write("\r\u{1B}[2K\(name(trial, count)) [\(bar)] \(figures(step))")
    }

    func finished(_ trial: FinishedTrial, of count: Int) {
        clearLine()
        let record = trial.record
        let p99 = Percentile.of(record.latency[PurchaseOutcome.success.index], 0.99)
        let step = LoadProgress(
            share: 1, successesPerSecond: record.purchasesPerSecond, p99Microseconds: p99,
            errors: record.progress(share: 1).errors)
        let red = trial.checks.filter { $0.state != .pass }.map(\.id)
        let note = red.isEmpty ? "all checks pass" : "not passed: " + red.joined(separator: ", ")
        say("\(name(trial.planned, count)) \(figures(step))  \(note)")
    }

    func clearLine() {
        if isLive { write("\r\u{1B}[2K") }
    }

    /// The table, the verdict and the path; the last line is always the path.
    func finish(_ results: RunResults, reportPath: String) {
        write("\n" + SummaryTable(results).lines.joined(separator: "\n") + "\n\n")
        write("\(results.verdict.word): \(results.verdict.sentence)\n")
        write("report: \(reportPath)\n")
    }

    private func name(_ trial: PlannedTrial, _ count: Int) -> String {
        let place = "[\(trial.order)/\(count)]"
        let width = StrategyID.allCases.map(\.rawValue.count).max() ?? 0
        return "\(place.padding(to: 8)) \(trial.strategy.rawValue.padding(to: width))"
    }

    private func figures(_ step: LoadProgress) -> String {
        let rate = "\(Text.number(step.successesPerSecond))/s".padding(to: 11)
        let p99 = "p99 \(Text.milliseconds(step.p99Microseconds)) ms".padding(to: 14)
        return "\(rate) \(p99) \(step.errors) errors"
    }

    private func say(_ line: String) {
        if !isQuiet { write("\(line)\n") }
    }

    private func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

/// The table at the end of a run in a terminal.
struct SummaryTable: Sendable {
    let lines: [String]

    init(_ results: RunResults) {
        var rows = [["strategy", "purchases/s", "success", "p50 ms", "p95 ms", "p99 ms", "stock", "ranked"]]
        for strategy in results.strategies {
            rows.append([
                strategy.id, Text.number(strategy.purchasesPerSecond?.median ?? .nan),
                Text.percent(strategy.successShare), Text.milliseconds(strategy.latencyUs.p50),
                Text.milliseconds(strategy.latencyUs.p95), Text.milliseconds(strategy.latencyUs.p99),
                strategy.stockWord,
                strategy.isRanked ? "yes" : "no: " + (strategy.notRankedBecause ?? ""),
            ])
        }
        for control in results.controls {
            let state = control.isCaught.map { $0 ? "caught" : "NOT CAUGHT" } ?? "-"
            rows.append([control.id, "-", "-", "-", "-", "-", state, "no: negative control"])
        }
        let widths = rows[0].indices.map { column in rows.map(\.[column].count).max() ?? 0 }
        lines = rows.map { row in
            zip(row, widths).map { $0.padding(to: $1) }.joined(separator: "  ")
        }
    }
}
