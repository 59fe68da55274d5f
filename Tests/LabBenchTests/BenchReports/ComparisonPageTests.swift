import BenchModel
import BenchResults
import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import BenchReports

@Suite("The pages of comparisons, and the index of a folder of runs")
struct ComparisonPageTests {
    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL

    private static func read(_ folder: String) throws -> RunResults {
        try ResultsFile.read(root.appending(path: "results/\(folder)").path())
    }

    /// A committed run of two servers, round by round.
    private static let pair = Result {
        (
            base: try read("2026-11-28T183804-paired-vm/base"),
            new: try read("2026-11-28T183804-paired-vm/new")
        )
    }

    private static func page(_ change: (inout RunResults) -> Void = { _ in }) throws -> (Comparison, String) {
        var (base, new) = try pair.get()
        change(&new)
        let comparison = Comparison(base: base, new: new, thresholds: Thresholds())
        let page = ComparisonPage(
            comparison, base: base, new: new, command: "lab-bench compare --paired A B --seed 7")
        base.run.id = ""
        return (comparison, page.text)
    }

    @Test("says the sentence of the comparison first, then shows every trial of both sides")
    func trials() throws {
        let (comparison, text) = try Self.page()
        let (base, new) = try Self.pair.get()
        #expect(text.contains("<div class=\"answer\"><p>\(HTML.escaped(comparison.sentence))</p>"))
        let values = text.components(separatedBy: "data-values=\"").dropFirst().map {
            $0.prefix { $0 != "\"" }
        }
        for results in [base, new] {
            for trial in results.trials where !trial.isControl && !trial.model.isOpen {
                #expect(values.contains { $0 == "\(trial.purchasesPerSecond)" })
            }
        }
        for part in [
            "Limited by", "lab-bench compare --paired A B --seed 7", "seed \(new.run.seed)", "could show",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("is red for a regression, and says by how much it is slower")
    func regression() throws {
        let (comparison, text) = try Self.page { new in
            for index in new.trials.indices where new.trials[index].strategy == "lua-atomic" {
                new.trials[index].purchasesPerSecond *= 0.5
            }
        }
        #expect(comparison.exit == .regression)
        #expect(text.contains("<section class=\"verdict failed\""))
        #expect(comparison.sentence.contains("% less"))
        #expect(text.contains(HTML.escaped(comparison.sentence)))
    }

    @Test("tells a pull request the same in five lines, and folds every figure")
    func pullRequest() throws {
        let (comparison, _) = try Self.page()
        let text = ComparisonText(comparison).markdown(command: "lab-bench compare A B")
        let lines = text.prefix(upTo: try #require(text.range(of: "<details>")).lowerBound)
            .split(separator: "\n")
        #expect(lines.count <= 5)
        #expect(lines.contains { $0 == comparison.sentence })
        #expect(lines.contains { $0.contains("lab-bench compare A B") })
        #expect(text.contains("| lua-atomic | purchases/s |"))
    }

    private static func index() throws -> RunIndex {
        let (base, new) = try pair.get()
        let other = try read("2026-12-01T044827-purchase-vm")
        return RunIndex(
            [
                .init(folder: "b/new", results: new, hasPage: false),
                .init(folder: "b/base", results: base, hasPage: true),
                .init(folder: "a", results: other, hasPage: true),
            ],
            judged: [.init(folder: "c", results: ConformanceFixture.results(), hasPage: true)],
            unread: [("broken", "no JSON")])
    }

    @Test("puts runs of equal conditions together, with a trend and a page for any two of them")
    func groups() throws {
        let index = try Self.index()
        #expect(index.groups.map { $0.entries.map(\.folder).sorted() } == [["a"], ["b/base", "b/new"]])
        let pages = index.pages
        #expect(pages.map(\.path).first == "index.html")
        #expect(pages.count == 2)
        let text = pages[0].text
        #expect(text.contains("Purchases per second from run to run"))
        #expect(text.contains("<a href=\"b/base/report.html\">"))
        #expect(!text.contains("<a href=\"b/new/report.html\">"))
        #expect(text.contains("<code>broken</code>: no JSON"))
        #expect(text.contains("<a href=\"c/CONFORMANCE.md\">"))
        // Each link of the index to a comparison leads to a page.
        let links = text.components(separatedBy: "href=\"compare/").dropFirst().map {
            "compare/" + $0.prefix { $0 != "\"" }
        }
        #expect(Set(links) == Set(pages.dropFirst().map(\.path)))
    }

    @Test("opens in a browser without an error, and nothing is wider than a phone", .timeLimit(.minutes(2)))
    func browser() async throws {
        let directory = try TemporaryDirectory()
        for (name, text) in [
            ("index.html", try Self.index().pages[0].text), ("comparison.html", try Self.page().1),
        ] {
            let path = directory.file(name)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            try await HeadlessBrowser.withPage { page async throws in
                try await page.resize(width: 390, height: 800)
                try await page.go(to: "file://" + path)
                try await page.wait(
                    until: "document.readyState === 'complete' && document.querySelector('h1') !== null")
                #expect(page.errors == [])
                let fits = try await page.evaluate(
                    "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
                #expect(fits == "true", "\(name)")
            }
        }
        directory.remove()
    }
}
