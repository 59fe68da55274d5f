import BenchModel
package import BenchResults

/// What `lab-bench conformance` says on a terminal when it ends: the table, then what is not good.
package struct ConformanceText: Sendable {
    private let results: ConformanceResults

    package init(_ results: ConformanceResults) { self.results = results }

    /// The word of a verdict in a table.
    package static func word(_ verdict: ConformanceResults.Finding.Verdict?) -> String {
        switch verdict {
        case .pass: "pass"
        case .fail: "FAIL"
        case .notApplicable: "n/a"
        case .unknown: "unknown"
        // It had no turn.
        case nil: "-"
        }
    }

    /// Locks that have a column.
    private var judged: [String] { results.locks.filter { $0.kind != .lockFree }.map(\.id) }

    package var lines: [String] { table + [""] + findings + lockFree + [sentence] }

    private var table: [String] {
        let width = (results.clauses.map(\.id.count).max() ?? 0) + 2
        let head = "".padding(to: width) + judged.map { $0.padding(to: max($0.count, 7) + 2) }.joined()
        let rows = results.clauses.map { clause in
            clause.id.padding(to: width)
                + judged.map { lock in
                    Self.word(results.finding(lock, clause.id)?.verdict).padding(to: max(lock.count, 7) + 2)
                }.joined()
        }
        return judged.isEmpty ? [] : ([head] + rows).map(\.trimmedEnd)
    }

    /// Each that failed or is unknown, with its steps.
    private var findings: [String] {
        results.findings.filter { $0.verdict == .fail || $0.verdict == .unknown }.flatMap { finding in
            ["\(finding.lock), \(finding.clause): \(Self.word(finding.verdict)): \(finding.reason ?? "")"]
                + finding.steps.map { "    \($0.sentence)" } + ["    again: \(finding.command)", ""]
        }
    }

    private var lockFree: [String] {
        let free = results.locks.filter { $0.kind == .lockFree }.map(\.id)
        guard !free.isEmpty else { return [] }
        return ["\(free.joined(separator: ", ")): no lock is taken, so no clause is about it"]
    }

    /// The answer in one sentence.
    package var sentence: String {
        let names = judged
        let findings = results.findings.filter { names.contains($0.lock) }
        func count(_ verdict: ConformanceResults.Finding.Verdict) -> Int {
            findings.count { $0.verdict == verdict }
        }
        let locks = Text.count(names.count, "lock")
        let parts =
            "\(count(.pass)) pass, \(count(.fail)) fail, \(count(.unknown)) unknown, \(count(.notApplicable)) "
            + "not applicable"
        let word = results.run.isInterrupted ? "interrupted" : results.exit.word
        return "\(word): \(locks), \(Text.count(results.clauses.count, "clause")): \(parts)"
    }
}

extension ConformanceResults.Step {
    /// `12 ms A: acquire "key" → contended, after 3 ms`
    var sentence: String {
        let start = "\(Int(atMs)) ms \(who): \(what)"
        return result.isEmpty ? start : "\(start) → \(result), after \(Int(tookMs)) ms"
    }
}
