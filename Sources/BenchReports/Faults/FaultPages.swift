import BenchModel
package import BenchResults
import FaultAudit
import Foundation

/// Draws faults.html and a page for each cell from the results of the fault lab, and from nothing else. Each
/// page is one file that needs no network.
package struct FaultPages: Sendable {
    private let results: FaultResults
    private let matrix: FaultMatrix
    private let files: Set<String>
    private let palette: Palette

    /// - Parameter files: Of the results' folder, by their paths in it: those that the pages link, beside
    ///   each other.
    package init(_ results: FaultResults, files: Set<String> = []) {
        (self.results, self.files) = (results, files)
        matrix = FaultMatrix(results)
        palette = Palette(matrix.strategies)
    }

    /// Where the page of a cell lies in the results' folder.
    package static func path(of cell: FaultCell) -> String { "cells/\(cell.name).html" }

    package var pages: [(path: String, text: String)] {
        [("faults.html", overview)]
            + results.cells.map { cell in
                (Self.path(of: cell), FaultCellPage(cell, of: matrix, palette, files: files).text)
            }
    }

    private var overview: String {
        let pages = files.union(results.cells.map(Self.path))
        let markdown = FaultMarkdown(results, files: pages, isPage: true)
        let answer = markdown.answer
        var parts = matrix.levels.map(matrixPart)
        parts.append(("What broke each strategy", HTML.rendered(markdown.strategyLines, palette)))
        for level in matrix.levels {
            let lines = markdown.costs(level)
            guard let title = lines.first?.dropFirst(3) else { continue }
            let figures = markdown.shownFigures.map(\.title).joined(separator: ", ")
            parts.append(
                (
                    String(title),
                    picture(level) + "\n<details><summary>As numbers: \(figures)</summary>\n"
                        + "\(body(Array(lines.dropFirst()), in: String(title)))</details>"
                ))
        }
        parts += markdown.others.compactMap { lines in
            guard let first = lines.first else { return nil }
            let title = String(first.dropFirst(3))
            return (title, body(Array(lines.dropFirst()), in: title))
        }
        let title = "Fault lab on \(results.env.host), \(day)"
        let content = parts.map { HTML.heading($0.title) + "\n" + $0.html }
        return Page.text(
            title: "\(title): \(answer.word)",
            body: ([top(title, answer), contents(parts.map(\.title))] + content).joined(separator: "\n"),
            style: FaultStyle.css)
    }

    private var day: String { String(results.run.started.formatted(.iso8601).prefix(10)) }

    private func top(_ title: String, _ answer: FaultAnswer) -> String {
        let run = results.run
        let commit = run.gitCommit.map { ", commit \($0.prefix(12))" } ?? ""
        let place =
            "\(Text.count(matrix.strategies.count, "strategy").replacing("strategys", with: "strategies")), "
            + "\(Text.count(matrix.faults.count, "fault")), \(Text.count(run.seeds, "seed")) from \(run.seed)\(commit), "
            + "\(results.env.cpu), \(Text.count(results.env.cores, "core"))"
        let sentences = [answer.sentence, answer.broken].compactMap(\.self)
            .map { "<p>\(HTML.escaped($0))</p>" }.joined()
        let warnings = answer.warnings.map { "<p><strong>\(HTML.escaped($0))</strong></p>" }.joined()
        return "<h1>\(HTML.escaped(title))</h1>\n<p class=\"place\">\(HTML.escaped(place))</p>\n"
            + "<section class=\"verdict \(answer.kind)\" aria-label=\"Answer\"><strong>\(HTML.escaped(answer.word))"
            + "</strong><div class=\"answer\">\(sentences)</div>\(warnings)</section>"
    }

    private func contents(_ titles: [String]) -> String {
        let links = titles.map { "<li><a href=\"#\(HTML.anchor($0))\">\(HTML.escaped($0))</a></li>" }
        return "<nav aria-label=\"Contents\"><ul>\(links.joined())</ul></nav>"
    }

    private func matrixPart(_ level: FaultLevel) -> (title: String, html: String) {
        let legend = level == matrix.levels.last ? "\n" + FaultTable.legend(matrix) : ""
        return (
            level.title,
            "<p class=\"place\">\(HTML.escaped(level.meaning(servers: results.run.servers)))</p>\n\(FaultTable(matrix: matrix, level: level).html)\(legend)"
        )
    }

    private func picture(_ level: FaultLevel) -> String {
        let title = "What was sold during a fault, \(level.words)"
        guard let costs = FaultCosts(matrix, level, palette, title: title) else { return "" }
        return Figure(
            title: title, [costs],
            "Left: purchases per second during the fault, as a share of those before it. Right: from the end of the fault "
                + "until half as much is sold as before. Medians over the seeds.",
            keys: matrix.strategies.map { .strategy($0, palette) }
        ).html
    }

    private func body(_ lines: [String], in title: String) -> String {
        HTML.rendered(lines, palette, in: title) + HTML.terms(of: lines)
    }
}
