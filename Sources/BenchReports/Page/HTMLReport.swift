import BenchModel
package import BenchResults
import BenchStatistics
import Foundation

/// Draws `report.html` from the results, and from nothing else: one file that needs no network, and no script
/// but to sort its tables.
package struct HTMLReport: Sendable {
    package let results: RunResults
    let palette: Palette
    /// Of the results' folder, which the report may link; nil: all that a run writes.
    private let files: Set<String>?

    package init(_ results: RunResults, files: Set<String>? = nil) {
        self.results = results
        self.files = files
        palette = Palette(results.strategies.map(\.id))
    }

    package var text: String {
        let content = parts
        return Page.text(
            title: "\(title): \(results.verdict.word)",
            body: [top, Self.contents(of: content)].joined(separator: "\n") + "\n"
                + content.map(\.html).joined(separator: "\n"))
    }

    /// `Load test: purchase on vm, 2026-11-29, commit d242f90`
    private var title: String {
        let day = String(results.run.started.formatted(.iso8601).prefix(10))
        let commit = results.run.gitCommit.map { ", commit \($0.prefix(12))" } ?? ""
        return "Load test: \(results.workload.scenario.rawValue) on \(results.env.host), \(day)\(commit)"
    }

    /// The answer, and the picture of it.
    private var top: String {
        let word = results.verdict.word
        var lines: [String] = []
        if !results.env.isRepresentative {
            lines.append("A debug build was measured: speeds are not representative.")
        }
        if results.run.status != "complete" {
            lines.append("The run was not finished (\(results.run.status)): everything below is partial.")
        }
        // What is wrong comes before any answer; what is right is said below.
        if results.verdict.exit != .good { lines.append(results.verdict.sentence) }
        let warnings = lines.map { "<p><strong>\(HTML.escaped($0))</strong></p>" }.joined()
        let answer = Answer(results).sentences.map { "<p>\(HTML.escaped($0))</p>" }.joined()
        let env = results.env
        let place =
            "\(Text.count(results.workload.users, "buyer")), \(Text.count(results.workload.rounds, "round")) of "
            + "\(Text.number(results.workload.durationSeconds)) s, \(env.cpu), \(Text.count(env.cores, "core"))"
        return "<h1>\(HTML.escaped(title))</h1>\n<p class=\"place\">\(HTML.escaped(place))</p>\n"
            + "<section class=\"verdict \(HTML.escaped(word))\" aria-label=\"Answer\"><strong>"
            + "\(HTML.escaped(word))</strong>\(warnings)<div class=\"answer\">\(answer)</div></section>\n"
            + ((overview ?? sweepFigures.first)?.html ?? "")
    }
}

extension HTMLReport {
    /// A part of the page below one heading.
    private struct Part {
        let title: String
        let html: String
    }

    /// What a reader asks first comes first; what passes is folded.
    private var parts: [Part] {
        let report = MarkdownReport(results, files: files)
        let isGood = results.verdict.exit == .good
        var parts = report.speedSections.compactMap { section($0) }
        let place = parts.firstIndex { $0.title == "Speed" }.map { $0 + 1 } ?? 0
        // A sweep has its picture at the top.
        if results.sweep == nil { parts.insert(contentsOf: pictures("Latency", latencyFigures), at: place) }
        parts += report.correctnessSections.compactMap { section($0, folded: isGood ? folding($0) : nil) }
        parts += pictures("Pictures", otherFigures)
        if results.sweep == nil, !timelines.isEmpty { parts.append(overTime) }
        parts += report.methodSections.compactMap { lines in
            section(
                lines,
                folded: lines.first == "## Environment" ? "Machine, versions, settings, processor time" : nil)
        }
        return parts + [section(report.repeatSection)].compactMap(\.self)
    }

    /// The one line of a section that passed.
    private func folding(_ lines: [String]) -> String {
        switch lines.first {
        case "## Correctness": results.verdict.sentence
        case "## Checks":
            {
                let passed = results.checks.reduce(0) { $0 + $1.passed }
                let all = results.checks.reduce(0) { $0 + $1.passed + $1.failed + $1.unknown }
                return "\(Text.grouped(passed)) of \(Text.grouped(all)) checks passed"
            }()
        default: "Details"
        }
    }

    private func section(_ lines: [String], folded summary: String? = nil) -> Part? {
        guard let first = lines.first, first.hasPrefix("## ") else { return nil }
        let title = String(first.dropFirst(3))
        let body = HTML.rendered(Array(lines.dropFirst()), palette) + HTML.terms(of: lines)
        guard let summary else { return Part(title: title, html: HTML.heading(title) + "\n" + body) }
        return Part(
            title: title,
            html: HTML.heading(title)
                + "\n<details><summary>\(HTML.inline(summary))</summary>\n\(body)</details>")
    }

    private func pictures(_ title: String, _ figures: [Figure]) -> [Part] {
        guard !figures.isEmpty else { return [] }
        return [
            Part(title: title, html: HTML.heading(title) + "\n" + figures.map(\.html).joined(separator: "\n"))
        ]
    }

    private var overTime: Part {
        Part(
            title: "Over time",
            html: HTML.heading("Over time")
                + "\n<details class=\"screen\"><summary>The first round of each strategy, second by second</summary>\n"
                + "<p>Grey: the warm-up, the drain, and moments in which the generator itself stood still.</p>\n"
                + "<div class=\"grid2\">\(timelines.map(\.html).joined(separator: "\n"))</div></details>")
    }

    private static func contents(of parts: [Part]) -> String {
        let links = parts.map {
            "<li><a href=\"#\(HTML.anchor($0.title))\">\(HTML.inline($0.title))</a></li>"
        }
        return "<nav aria-label=\"Contents\"><ul>\(links.joined())</ul></nav>"
    }
}
