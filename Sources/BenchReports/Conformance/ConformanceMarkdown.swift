import BenchModel
package import BenchResults
import Foundation

/// Draws CONFORMANCE.md from the findings, and from nothing else.
package struct ConformanceMarkdown: Sendable {
    private let results: ConformanceResults

    package init(_ results: ConformanceResults) { self.results = results }

    package var text: String {
        let sections = [head, table, failures, clauses, locks, notApplicable, method]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
            + "\n"
    }

    private var judged: [ConformanceResults.LockNote] { results.locks.filter { $0.kind != .lockFree } }

    private func plain(_ text: String) -> String { FaultMarkdown.plain(text) }

    private var head: [String] {
        ["# Conformance", "", "**\(plain(ConformanceText(results).sentence))**"]
    }

    private var table: [String] {
        guard !judged.isEmpty else { return [] }
        let head = "| clause | " + judged.map { "`\($0.id)`" }.joined(separator: " | ") + " |"
        let rule = "| --- |" + String(repeating: " --- |", count: judged.count)
        let rows = results.clauses.map { clause in
            let cells = judged.map { lock in
                let verdict = results.finding(lock.id, clause.id)?.verdict
                let word = ConformanceText.word(verdict)
                return verdict == .fail || verdict == .unknown ? "**\(word)**" : word
            }
            return "| `\(clause.id)` | " + cells.joined(separator: " | ") + " |"
        }
        return [head, rule] + rows
    }

    private var failures: [String] {
        let bad = results.findings.filter { $0.verdict == .fail || $0.verdict == .unknown }
        guard !bad.isEmpty else { return [] }
        return ["## What failed, and what is unknown"]
            + bad.flatMap { finding in
                [
                    "", "### `\(finding.lock)`, `\(finding.clause)`: \(finding.verdict.rawValue)", "",
                    plain(title(finding.clause)), "", "**\(plain(finding.reason ?? ""))**", "", "```text",
                ] + finding.steps.map { Self.line($0.sentence) } + [
                    "```", "", "Again: `\(Self.line(finding.command))`",
                ]
            }
    }

    private func title(_ clause: String) -> String {
        results.clauses.first { $0.id == clause }?.title ?? ""
    }

    /// Words of a driver may hold anything; in a block they stay on their line.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ").replacing("`", with: "'")
    }

    private var clauses: [String] {
        [
            "## Clauses", "", "The numbers are those of this package's own test suite.", "",
            "| clause | number | what must hold |", "| --- | --- | --- |",
        ]
            + results.clauses.map { clause in
                let numbers = clause.numbers.map(String.init).joined(separator: ", ")
                return "| `\(clause.id)` | \(numbers) | \(plain(clause.title)) |"
            }
    }

    private var locks: [String] {
        [
            "## Locks", "", "| lock | kind | abilities | what it is |", "| --- | --- | --- | --- |",
        ]
            + results.locks.map { lock in
                "| `\(lock.id)` | \(lock.kind.rawValue) | \(lock.abilities.joined(separator: ", ")) | \(plain(lock.summary)) |"
            }
    }

    private var notApplicable: [String] {
        let findings = results.findings.filter { finding in
            finding.verdict == .notApplicable && judged.contains { $0.id == finding.lock }
        }
        guard !findings.isEmpty else { return [] }
        return ["## Not applicable", "", "| lock | clause | why |", "| --- | --- | --- |"]
            + findings.map { "| `\($0.lock)` | `\($0.clause)` | \(plain($0.reason ?? "")) |" }
    }

    private var method: [String] {
        let env = results.env
        return [
            "## How it was judged", "",
            "Each clause starts `redis-server` processes and clients of its own, and sees the lock through acquire, "
                + "extend and release alone. In the steps, `A`, `B` … are clients that share nothing but Redis; the "
                + "time before a client is that of its call, from the begin of the clause. A pass says that these "
                + "steps showed no violation, and not that there is none.", "",
            "- command: `\(Self.line(results.run.command))`",
            "- began: \(results.run.started.formatted(.iso8601)), ended: \(results.run.ended.formatted(.iso8601))",
            "- lab-bench \(results.run.toolVersion), commit \(results.run.gitCommit ?? "unknown"), \(env.buildMode) build",
            "- machine: \(plain(env.cpu)), \(Text.count(env.cores, "core")), \(plain(env.os)), kernel \(plain(env.kernel))",
        ]
    }
}
