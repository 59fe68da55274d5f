import BenchModel
package import BenchResults
import BenchStatistics
import Foundation

/// Draws `report.html` from the results, and from nothing else: one file that needs no network and no script.
package struct HTMLReport: Sendable {
    package let results: RunResults
    let palette: Palette

    package init(_ results: RunResults) {
        self.results = results
        palette = Palette(results.strategies.map(\.id))
    }

    private func rendered(_ sections: [[String]]) -> String {
        HTML.rendered(MarkdownReport.lines(sections), palette)
    }

    package var text: String {
        let report = MarkdownReport(results)
        let title = "Load test: \(results.verdict.word)"
        let body = [
            verdict, tiles,
            rendered([report.repeatSection] + report.correctnessSections + report.speedSections),
            plots,
            rendered(report.methodSections),
        ]
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escaped(title))</title>
            <style>\(PageStyle.css)</style>
            </head>
            <body>
            <main>
            \(body.joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }

    private var verdict: String {
        let word = results.verdict.word
        var notes: [String] = []
        if !results.env.isRepresentative {
            notes.append("A debug build was measured: speeds are not representative.")
        }
        if results.run.status != "complete" {
            notes.append("The run was not finished (\(results.run.status)): everything below is partial.")
        }
        let more = notes.map { "<p><strong>\(HTML.escaped($0))</strong></p>" }.joined()
        return "<h1>Load test result</h1>\n<section class=\"verdict \(HTML.escaped(word))\"><strong>"
            + "\(HTML.escaped(word))</strong><p>\(HTML.escaped(results.verdict.sentence))</p>\(more)</section>"
    }

    /// The figures that a reader looks for first.
    private var tiles: String {
        let strategies = results.strategies
        let leaders = results.leaders
        let best = strategies.first { $0.id == leaders.first }
        let exact = strategies.count { $0.stockWord == "exact" }
        let met = strategies.count { $0.target(.p95)?.isMet == true }
        let passed = results.checks.reduce(0) { $0 + $1.passed }
        let all = results.checks.reduce(0) { $0 + $1.passed + $1.failed + $1.unknown }
        let entries = [
            ("\(exact) of \(strategies.count)", "strategies with exact stock"),
            ("\(Text.grouped(passed)) of \(Text.grouped(all))", "checks passed"),
            (
                best.map { "\(Text.number($0.purchasesPerSecond?.median ?? .nan))/s" } ?? "-",
                best.map {
                    leaders.count == 1
                        ? "most purchases (\($0.id))"
                        : "highest median (\($0.id)), not separated from \(leaders.count - 1) more"
                } ?? "no ranking"
            ),
            ("\(met) of \(strategies.count)", "with p95 below the target"),
            (
                "\(results.workload.users)",
                "users, \(Text.number(results.workload.durationSeconds)) s a trial"
            ),
        ]
        let cells = entries.map {
            "<div><b>\(HTML.escaped($0.0))</b><span>\(HTML.escaped($0.1))</span></div>"
        }
        return "<section class=\"tiles\">\(cells.joined())</section>"
    }
}
