import BenchModel
package import BenchResults
import FaultAudit
import Foundation

/// Draws FAULTS.md from the results of the fault lab, and from nothing else. faults.html shows the same
/// sections.
package struct FaultMarkdown: Sendable {
    let matrix: FaultMatrix
    /// Of the results' folder, by their paths in it: those that the report links.
    let files: Set<String>

    /// A page folds tables and has a page for each cell: it needs no commands in a table.
    let isPage: Bool

    package init(_ results: FaultResults, files: Set<String> = []) {
        self.init(results, files: files, isPage: false)
    }

    init(_ results: FaultResults, files: Set<String>, isPage: Bool) {
        matrix = FaultMatrix(results)
        (self.files, self.isPage) = (files, isPage)
    }

    var results: FaultResults { matrix.results }
    var answer: FaultAnswer { FaultAnswer(matrix: matrix) }

    package var text: String {
        let sections = [head] + matrix.levels.map(matrixSection) + sections
        return MarkdownReport.lines(sections).joined(separator: "\n") + "\n"
    }

    /// What follows the matrices, in this order on the page too.
    var sections: [[String]] { matrix.levels.map(costs) + others }

    var others: [[String]] {
        [
            violations, differences, notApplicable, names("Faults", matrix.faults, results.faults),
            names("Strategies", matrix.strategies, results.strategies), invariants, method, rawData,
        ]
    }

    private var head: [String] {
        var lines = ["# Fault lab: \(answer.word)", "", "**\(answer.sentence)**", ""]
        if let broken = answer.broken { lines += [broken, ""] }
        for warning in answer.warnings { lines += ["**\(Self.plain(warning))**", ""] }
        return lines + strategyLines
    }

    /// What broke each strategy.
    var strategyLines: [String] {
        answer.lines.map { line in
            let words = Self.plain(line.words)
            return "- `\(line.strategy)`: \(line.isBroken ? "**\(words)**" : words)"
        }
    }

    /// Text that is no Markdown, in one line: every sign stands for itself.
    static func plain(_ text: some StringProtocol) -> String {
        var result = ""
        for character in text {
            if character.isNewline {
                result += " "
            } else {
                if #"\`*_[]<>&"#.contains(character) { result += #"\"# }
                result.append(character)
            }
        }
        return result
    }

    /// The page of a cell as a link; nil where there is none.
    func link(_ cell: FaultCell, _ words: String) -> String? {
        let path = FaultPages.path(of: cell)
        return files.contains(path) ? "[\(words)](\(path))" : nil
    }
}

/// Verdicts, and what faults cost.
extension FaultMarkdown {
    private func matrixSection(_ level: FaultLevel) -> [String] {
        let rows = matrix.faults(at: level).map { fault in
            [fault] + matrix.strategies.map { self.word($0, fault, level) }
        }
        return ["## \(level.title)", "", level.meaning(servers: results.run.servers), ""]
            + MarkdownReport.table(["fault"] + matrix.strategies, rows)
            + (level == matrix.levels.last ? ["", Self.legend] : [])
    }

    static let legend =
        "`safe`: every invariant held. `VIOLATED`: at least one did not. `unknown`: it could not be decided. "
        + "`not shown`: theory demands a violation and no try showed one; that is not safe. `may break`: theory "
        + "allows a violation, in a moment that a run may miss. `(!)`: not what theory says, or the ledger lost "
        + "something. `-`: this fault cannot strike this strategy. Empty: not run. Of several seeds the worst "
        + "is shown."

    private func word(_ strategy: String, _ fault: String, _ level: FaultLevel) -> String {
        guard let pair = matrix.pair(strategy, fault, level) else {
            return matrix.reason(strategy, fault, level) == nil ? "" : "-"
        }
        let isWrong = pair.result.isOpen && pair.result != .unknown
        let word = pair.result.word + (isWrong ? " (!)" : "")
        let shown = pair.result.isViolated ? "**\(word)**" : word
        let notes = pair.result == .safe ? pair.notes : [pair.share].compactMap(\.self)
        return ([link(pair.shown, shown) ?? shown] + notes.map { "(\($0))" }).joined(separator: " ")
    }

    typealias Figure = (title: String, meaning: String, value: @Sendable (FaultPair) -> String)

    /// Of runs since schema 1.2.
    static let standstill: Figure = (
        "Standstill", "ms, the longest time from the fault on in which nobody was sold anything",
        { milliseconds($0.median(\.standstillMs)) }
    )

    /// What is asked of a cell that says what a fault costs.
    static let figures: [Figure] = [
        (
            "Availability", "purchases per second during the fault, as a share of those before it",
            { percent($0.median(\.availability)) }
        ),
        (
            "Recovery",
            "ms from the end of the fault until half as much is sold as before; `never`: not in the try",
            { milliseconds($0.recoveryMs) }
        ),
        (
            "p99 during the fault", "ms that 99 of 100 purchases under way during the fault took at most",
            { milliseconds($0.median(\.p99DuringMs)) }
        ),
        (
            "Lost per purchase",
            "ms that a purchase under way during the fault took longer than one before it, on average",
            { milliseconds($0.median(\.lostMsPerPurchase)) }
        ),
    ]

    var shownFigures: [Figure] {
        let isCounted = results.cells.contains { $0.shown?.figures.standstillMs != nil }
        return Self.figures + (isCounted ? [Self.standstill] : [])
    }

    private static func percent(_ share: Double?) -> String {
        share.map { "\(Text.number($0 * 100)) %" } ?? "-"
    }

    private static func milliseconds(_ value: Double?) -> String {
        value.map { $0 == .infinity ? "never" : Text.number($0) } ?? "-"
    }

    func costs(_ level: FaultLevel) -> [String] {
        let faults = matrix.faults(at: level).filter { fault in
            matrix.strategies.contains { matrix.pair($0, fault, level) != nil }
        }
        let title =
            matrix.levels.count > 1 ? "What faults cost, \(level.words)" : "What faults cost"
        return ["## \(title)", "", "Medians over the seeds. `-`: nothing to count."]
            + shownFigures.flatMap { figure in
                let rows = faults.map { fault in
                    [fault] + matrix.strategies.map { matrix.pair($0, fault, level).map(figure.value) ?? "" }
                }
                return ["", "**\(figure.title)**: \(figure.meaning).", ""]
                    + MarkdownReport.table([figure.title] + matrix.strategies, rows)
            }
    }
}
