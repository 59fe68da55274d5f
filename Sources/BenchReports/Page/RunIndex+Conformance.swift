import BenchModel
import BenchResults

extension RunIndex {
    /// Conformance runs, the newest one first; empty where there are none.
    var conformance: String {
        guard !judged.isEmpty else { return "" }
        let rows = judged.map { entry in
            let (name, results) = (entry.folder, entry.results)
            return [
                entry.hasPage ? "[\(name)](\(name)/CONFORMANCE.md)" : name, Self.day(results.run.started),
                results.env.host, results.run.gitCommit.map { "`\($0.prefix(12))`" } ?? "-",
                FaultMarkdown.plain(results.locks.map(\.id).joined(separator: ", ")),
                FaultMarkdown.plain(ConformanceText(results).sentence),
            ]
        }
        return HTML.heading("Conformance") + "\n"
            + HTML.rendered(
                MarkdownReport.table(["run", "began", "machine", "commit", "locks", "answer"], rows),
                Palette([]))
    }
}
