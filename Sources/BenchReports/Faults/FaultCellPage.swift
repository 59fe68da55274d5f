import BenchModel
import BenchResults
import FaultAudit

/// The page of one cell: the verdict beside theory, what was found, the calls that prove it.
struct FaultCellPage: Sendable {
    private let cell: FaultCell
    private let matrix: FaultMatrix
    private let palette: Palette
    private let files: Set<String>

    init(_ cell: FaultCell, of matrix: FaultMatrix, _ palette: Palette, files: Set<String>) {
        (self.cell, self.matrix, self.palette, self.files) = (cell, matrix, palette, files)
    }

    var text: String {
        let title = "\(cell.strategy) under \(cell.fault)"
        let result = FaultPair.Result(cell)
        let figures = cell.shown.map { HoldTimeline.figures($0.scene).map(\.html) } ?? []
        let lines = MarkdownReport.lines([
            findings, numbers, operations, again, siblings,
        ])
        let body = [
            "<p class=\"place\"><a href=\"../faults.html\">Fault lab</a>: \(cell.level.words), seed \(cell.seed)</p>",
            "<h1>\(HTML.escaped(title))</h1>", answer(result), about,
            figures.joined(separator: "\n"), HTML.rendered(lines, palette), HTML.terms(of: lines),
            history,
        ]
        return Page.text(
            title: "\(title), \(cell.level.words): \(result.word)", body: body.joined(separator: "\n"),
            style: FaultStyle.css)
    }

    private func answer(_ result: FaultPair.Result) -> String {
        let kind: String =
            switch result {
            case .safe: "pass"
            case .violated, .againstTheory, .ledgerLost: "violation"
            case .notShown, .unknown: "unknown"
            }
        var sentences = ["Theory says: \(cell.expected.words). \(result.meaning)"]
        sentences += cell.violations.prefix(2).map { "\($0.invariant.rawValue): \($0.sentence)." }
        if let why = cell.why { sentences.append("Why: \(why)") }
        sentences.append(tries)
        return "<section class=\"verdict \(kind)\" aria-label=\"Answer\"><strong>\(result.word)\(result.mark)"
            + "</strong><div class=\"answer\">"
            + sentences.map { "<p>\(HTML.escaped($0))</p>" }.joined() + "</div></section>"
    }

    private var tries: String {
        guard let shown = cell.shown else { return "No try was finished." }
        return cell.verdict == .violated
            ? "Try \(shown.number) showed it, of at most \(cell.mostTries)."
            : "Tries: \(FaultMarkdown.tries(cell)); number \(shown.number) is shown."
    }

    /// What the fault and the strategy are.
    private var about: String {
        let notes = [
            (cell.fault, matrix.summary(fault: cell.fault)),
            (cell.strategy, matrix.summary(strategy: cell.strategy)),
            (cell.level.words, cell.level.meaning(servers: matrix.results.run.servers)),
        ]
        let items = notes.compactMap { id, summary in
            summary.map { "<li><strong>\(HTML.escaped(id))</strong>: \(HTML.escaped($0))</li>" }
        }
        return "<ul>\(items.joined())</ul>"
    }

    private var findings: [String] {
        guard let shown = cell.shown, !shown.findings.isEmpty else { return [] }
        return ["## What was found", ""]
            + MarkdownReport.table(
                ["invariant", "result", "what was seen", "units"],
                shown.findings.map { finding in
                    [
                        finding.invariant.rawValue,
                        finding.verdict == .violated ? "**VIOLATED**" : finding.verdict.rawValue,
                        FaultMarkdown.plain(finding.sentence), finding.units.map { Text.grouped($0) } ?? "-",
                    ]
                })
    }

    private var numbers: [String] {
        guard let shown = cell.shown else { return [] }
        let figures = shown.figures
        func number(_ value: Double?) -> String { value.map { Text.number($0) } ?? "-" }
        func count(_ value: Int?) -> String { value.map { Text.grouped($0) } ?? "-" }
        return ["## What it cost", ""]
            + MarkdownReport.table(
                ["", "before", "during", "after"],
                [
                    [
                        "purchases/s", number(figures.beforePerSecond), number(figures.duringPerSecond),
                        number(figures.afterPerSecond),
                    ], ["p99, ms", number(figures.p99BeforeMs), number(figures.p99DuringMs), ""],
                ]) + [""]
            + MarkdownReport.table(
                ["figure", "value"],
                [
                    ["availability", figures.availability.map { "\(Text.number($0 * 100)) %" } ?? "-"],
                    ["recovery", figures.recoveryMs.map { "\(Text.number($0)) ms" } ?? "not in this try"],
                    ["longest standstill", figures.standstillMs.map { "\(Text.number($0)) ms" } ?? "-"],
                    ["lost per purchase", figures.lostMsPerPurchase.map { "\(Text.number($0)) ms" } ?? "-"],
                    ["acknowledged purchases", count(figures.purchases)],
                    ["calls without an outcome", count(figures.unknown)],
                    ["refused by ledger", count(figures.refusedByLedger)],
                    [
                        "the fault, ms",
                        "\(number(shown.struckMs)) to \(number(shown.healedMs)) of \(number(shown.endedMs))",
                    ],
                ])
    }

    private var operations: [String] {
        guard let shown = cell.shown, !shown.operations.isEmpty else { return [] }
        func moment(_ value: Double?) -> String { value.map { Text.number($0, digits: 1) } ?? "-" }
        let isProven = shown.operations.contains(where: \.isProof)
        return [
            "## Calls", "",
            "In ms since the first call. Only calls \(isProven ? "that prove it, and those around them" : "around the fault").",
        ]
            + [""]
            + MarkdownReport.table(
                ["call", "proof", "process", "buyer", "from", "to", "told", "lock held", "fence"],
                shown.operations.map { operation in
                    let held = operation.holdFromMs.map {
                        "\(moment($0)) to \(operation.holdUntilMs.map { moment($0) } ?? "no end")"
                    }
                    return [
                        "#\(operation.id)", operation.isProof ? "**proof**" : "", String(operation.process),
                        String(operation.buyer), moment(operation.invokedMs),
                        operation.answeredMs.map { moment($0) } ?? "no answer", operation.outcome.word,
                        held ?? "-", operation.fence.map { String($0) } ?? "-",
                    ]
                })
    }

    private var again: [String] { ["## The same again", "", "```", cell.command, "```"] }

    /// The same with other seeds.
    private var siblings: [String] {
        let pair = matrix.pair(cell.strategy, cell.fault, cell.level)
        let others = (pair?.cells ?? []).filter { $0.seed != cell.seed }
        guard !others.isEmpty else { return [] }
        return ["## Other seeds", ""]
            + others.map { other in
                "- [seed \(other.seed)](\(HTML.address(other.name)).html): \(FaultPair.Result(other).word)"
            }
    }

    /// Only where the file is there.
    private var history: String {
        guard let path = cell.shown?.history, files.contains(path) else { return "" }
        return "<p><a href=\"../\(HTML.address(path))\">The whole history</a>: every call of this try.</p>"
    }
}
