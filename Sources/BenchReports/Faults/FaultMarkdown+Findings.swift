import BenchModel
import BenchResults
import FaultAudit
import Foundation

/// What broke, what is not as theory says, and how it was run.
extension FaultMarkdown {
    /// Each violated pair, by its worst cell.
    var violations: [String] {
        let broken = matrix.all.filter(\.result.isViolated)
        guard !broken.isEmpty else { return [] }
        let rows = broken.map { pair in
            let cell = pair.shown
            let findings = cell.violations
            return [
                cell.strategy, cell.fault, cell.level.rawValue,
                findings.map(\.invariant.rawValue).joined(separator: ", "),
                findings.map { Self.plain($0.sentence) }.joined(separator: "; "),
                findings.compactMap(\.units).max().map { Text.grouped($0) } ?? "-",
                Self.tries(cell) + (pair.share.map { ", \($0)" } ?? ""), link(cell, "page") ?? "-",
            ] + (isPage ? [] : ["`\(cell.command)`"])
        }
        let heads = ["strategy", "fault", "level", "invariant", "what was seen", "units", "try", "cell"]
        let sentence =
            isPage
            ? "Of several seeds the worst is shown. The page of a cell has the command that runs it again."
            : "Of several seeds the worst is shown. The command runs the one cell again, with its seed."
        return ["## Violations", "", sentence, ""]
            + MarkdownReport.table(heads + (isPage ? [] : ["again"]), rows)
    }

    static func tries(_ cell: FaultCell) -> String {
        cell.tries == 0 ? "none of \(cell.mostTries)" : "\(cell.tries) of at most \(cell.mostTries)"
    }

    /// Every cell that is not as theory says.
    var differences: [String] {
        let open = matrix.all.flatMap(\.cells).filter { FaultPair.Result($0).isOpen }
        var lines = ["## Theory and result", ""]
        guard !open.isEmpty else {
            return lines + [
                results.cells.isEmpty
                    ? "No cell was run." : "Every cell that was run came out as theory says."
            ]
        }
        lines += MarkdownReport.table(
            ["strategy", "fault", "level", "seed", "theory", "result", "judgement", "tries", "cell", "why"],
            open.map { cell in
                [
                    cell.strategy, cell.fault, cell.level.rawValue, String(cell.seed), cell.expected.words,
                    FaultPair.Result(cell).word, cell.judgement.words, Self.tries(cell),
                    link(cell, "page") ?? "-", Self.plain(cell.reason),
                ]
            })
        return lines
    }

    /// Pairs with the same reason stand in one row.
    var notApplicable: [String] {
        guard !results.notApplicable.isEmpty else { return [] }
        let groups = results.notApplicable.map { [$0.fault, $0.level.rawValue, $0.why] }.removingDuplicates()
        let rows = groups.map { group in
            let strategies = results.notApplicable.filter { [$0.fault, $0.level.rawValue, $0.why] == group }
            return [
                group[0], group[1], strategies.map(\.strategy).joined(separator: ", "), Self.plain(group[2]),
            ]
        }
        return ["## Not applicable", ""]
            + MarkdownReport.table(["fault", "level", "strategies", "why"], rows)
    }

    func names(_ title: String, _ used: [String], _ notes: [FaultResults.Note]) -> [String] {
        let known = used.compactMap { id in notes.first { $0.id == id } }
        guard !known.isEmpty else { return [] }
        return ["## \(title)", ""] + known.map { "- `\($0.id)`: \(Self.plain($0.summary))" }
    }

    var invariants: [String] {
        ["## What must hold", ""]
            + Auditor.Invariant.allCases.map { invariant in
                "- `\(invariant.rawValue)`: \(Self.plain(Glossary.meaning(of: invariant.rawValue) ?? "-"))"
            }
    }

    var method: [String] {
        let (run, env) = (results.run, results.env)
        let status: String =
            switch run.status {
            case .complete: results.notRun == 0 ? "complete" : "complete, \(answer.unfinished)"
            case .interrupted, .outOfTime: "**\(answer.unfinished)**"
            }
        let time = Text.time(.seconds(run.ended.timeIntervalSince(run.started)))
        let last = run.seed &+ UInt64(max(run.seeds - 1, 0))
        let servers = run.servers.map { [["servers", "\($0), on one PostgreSQL"]] } ?? []
        return ["## How it was run", ""]
            + MarkdownReport.table(
                ["what", "value"],
                [
                    ["status", status],
                    ["time", "\(run.started.formatted(.iso8601)), \(time)"],
                    ["seeds", run.seeds == 1 ? "\(run.seed)" : "\(run.seeds), from \(run.seed) to \(last)"],
                ] + servers + [
                    ["budget", Text.time(.seconds(run.budgetSeconds))]
                ] + Self.machine(env, run.toolVersion, run.gitCommit)) + [
                "", "The same again:", "", "```", run.command, "```",
            ]
    }

    /// What a run was made on, and with.
    static func machine(_ env: EnvironmentInfo, _ toolVersion: String, _ commit: String?) -> [[String]] {
        [
            [
                "machine",
                plain("\(env.host): \(env.cpu), \(Text.count(env.cores, "core")), ")
                    + "\(Text.grouped(env.memoryMib)) MiB",
            ],
            ["system", plain("\(env.os), kernel \(env.kernel)")],
            ["commit", commit.map { "`\($0)`" } ?? "-"],
            ["build", plain("lab-bench \(toolVersion), Swift \(env.swift), \(env.buildMode)")],
        ]
    }

    var rawData: [String] {
        let known = [
            ("faults.json", "every number above, every cell"), ("faults.html", "the same with pictures"),
            ("FAULTS.md", "the same as Markdown"),
        ].filter { files.contains($0.0) }
        return known.isEmpty ? [] : ["## Raw data", ""] + known.map { "- [\($0.0)](\($0.0)): \($0.1)." }
    }
}

extension FaultCell {
    /// Of the try that is shown.
    var violations: [Auditor.Finding] { shown?.findings.filter { $0.verdict == .violated } ?? [] }

    /// Why it came out so, as far as it is known.
    var reason: String {
        if let why { return why }
        let open = violations + (shown?.findings.filter { $0.verdict == .unknown } ?? [])
        return open.isEmpty
            ? "-" : open.map { "\($0.invariant.rawValue): \($0.sentence)" }.joined(separator: "; ")
    }
}

extension FaultCell.Judgement {
    var words: String {
        switch self {
        case .asExpected: "as theory says"
        case .againstTheory: "against theory"
        case .ledgerLost: "the ledger lost something"
        case .notShown: "not shown"
        case .undecided: "undecided"
        case .seen: "seen; theory demands nothing"
        }
    }
}
