import BenchModel
package import BenchResults
import BenchStatistics
import Foundation

/// Draws a comparison, for a pull request and for a terminal.
package struct ComparisonText: Sendable {
    private let comparison: Comparison

    package init(_ comparison: Comparison) {
        self.comparison = comparison
    }

    private static let header = [
        "strategy", "figure", "base", "new", "new / base", "95 % interval", "p (Holm)", "could show", "",
    ]

    private var rows: [[String]] {
        comparison.judgements.map { judgement in
            func text(_ value: Double) -> String {
                judgement.figure.isRate ? Text.number(value) : "\(Text.milliseconds(value)) ms"
            }
            let interval = judgement.interval.map {
                "\(Text.number($0.low, digits: 3)) - \(Text.number($0.high, digits: 3))"
            }
            return [
                judgement.strategy, judgement.figure.name, text(judgement.base),
                text(judgement.new), Text.number(judgement.ratio, digits: 3), interval ?? "-",
                Text.number(judgement.adjustedP, digits: 4),
                judgement.detectable.map { "\(Text.number($0 * 100)) %" } ?? "-", judgement.word.rawValue,
            ]
        }
    }

    /// Every figure.
    var table: [String] { MarkdownReport.table(Self.header, rows) }

    /// How the figures of ``table`` are made.
    var method: String {
        "Geometric means over trials; the interval of their ratio is Student's on the logarithms of the trials; "
            + "p: \(Judgement.methods(of: comparison.judgements)), after Holm's correction for each figure. *Could show*: the slowdown that such "
            + "trials find in 80 of 100 cases. "
            + "A regression is slower beyond chance, and perhaps by more than \(Text.number(comparison.thresholds.regressionPercent)) "
            + "%; differences below \(Text.number(comparison.thresholds.noiseFloorPercent)) % are noise."
    }

    /// A summary for a pull request: five lines, and every figure folded below them.
    ///
    /// - Parameter command: Measures or compares the same again; nil: it is not said.
    package func markdown(command: String? = nil) -> String {
        let word = comparison.exit == .good ? "no regression" : comparison.exit.word
        var lines = ["## Load test: \(word)", "", comparison.sentence, ""]
        lines.append("Base \(Self.name(comparison.base)), new \(Self.name(comparison.new)).")
        if let command { lines.append("Again: `\(command)`") }
        let folded =
            comparison.notJudged.map { "- not judged: \($0)" }
            + (comparison.judgements.isEmpty ? [] : [""] + table + ["", method])
        if !folded.isEmpty {
            let count = Text.count(comparison.judgements.count, "figure")
            lines += ["", "<details><summary>\(count)</summary>", ""] + folded + ["", "</details>"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func name(_ side: Comparison.Side) -> String {
        side.gitCommit.map { "`\($0.prefix(12))`" } ?? "run \(side.id)"
    }

    /// A table for a terminal, and the sentence.
    package var plain: String {
        let all = [Self.header] + rows
        let widths = Self.header.indices.map { column in all.map(\.[column].count).max() ?? 0 }
        let table = all.map { row in zip(row, widths).map { $0.padding(to: $1) }.joined(separator: "  ") }
        let lines = comparison.judgements.isEmpty ? [] : table + [""]
        let rest = comparison.notJudged.map { "not judged: \($0)" }
        return (lines + rest + ["\(comparison.exit.word): \(comparison.sentence)"]).joined(separator: "\n")
            + "\n"
    }
}
