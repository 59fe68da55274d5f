import BenchModel
import BenchReports
import BenchResults
import FaultAudit
import FaultLab
import LabProcesses

/// What a person sees while the fault lab runs: a line for each cell that is done, then the answer.
struct FaultScreen: Sendable {
    let isSilent: Bool
    let count: Int

    func announce(_ plan: FaultPlan, folder: String) {
        say(
            "\(Text.count(count, "cell")): \(Text.count(plan.strategies.count, "strategy", "strategies")), "
                + "\(Text.count(plan.faults.count, "fault")), \(Text.count(plan.matrix.notApplicable.count, "pair")) "
                + "that cannot be; about \(Text.time(plan.matrix.expectedTime)), at most "
                + "\(Text.time(plan.budget)) (--budget); results go to \(folder)")
        #if DEBUG
            say("this is a debug build: availability and times are not representative")
        #endif
    }

    func show(_ cell: FaultCell, number: Int) {
        let place = "[\(number)/\(count)]"
        let words = [
            place.padding(to: 2 * String(count).count + 3), cell.level.rawValue.padding(to: 8),
            cell.strategy.padding(to: 13), cell.fault.padding(to: 19), cell.verdict.rawValue.padding(to: 8),
            Self.words(cell.judgement), "(\(Text.count(cell.tries, "try", "tries")))",
        ]
        say(words.joined(separator: " ") + (cell.why.map { ": \($0)" } ?? ""))
    }

    private static func words(_ judgement: FaultCell.Judgement) -> String {
        switch judgement {
        case .asExpected: "as theory says"
        case .againstTheory: "AGAINST THEORY, which says safe"
        case .ledgerLost: "THE LEDGER LOST SOMETHING"
        case .notShown: "NOT SHOWN, theory says violated"
        case .undecided: "UNDECIDED"
        case .seen: "seen: theory demands nothing"
        }
    }

    func finish(_ results: FaultResults, folder: String) {
        let lines =
            FaultText(results).lines + [
                "matrix: \(folder)/faults.html", "report: \(folder)/FAULTS.md",
            ]
        StandardStream.output.say(lines.joined(separator: "\n") + "\n")
    }

    private func say(_ line: String) {
        guard !isSilent else { return }
        StandardStream.output.say(line.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n")
    }
}
