import BenchModel
import BenchReports
import BenchResults
import Foundation
import LabProcesses
import LabTesting
import Testing

/// `report.html` of the committed reference run, as people read it: on a screen, on a phone, on paper, with a
/// screen reader, without a mouse.
@Suite("report.html and who reads it", .serialized, .timeLimit(.minutes(5)))
struct ReportReaderTests {
    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL

    /// The newest run of all strategies that is committed, drawn by this code: old results redraw.
    private static let reference = Result {
        let folder = root.appending(path: "results")
        let runs = try FileManager.default.contentsOfDirectory(atPath: folder.path())
            .filter { $0.hasSuffix("-purchase-vm") }.sorted()
        return try ResultsFile.read(folder.appending(path: try #require(runs.last)).path())
    }

    private static func report() throws -> String { HTMLReport(try reference.get()).text }

    @Test("shows the answer and the first picture within the first screen")
    func firstScreen() async throws {
        try await ReportBrowser.withPage(try Self.report()) { page async throws in
            let bottom = try await page.evaluate(
                "document.querySelector('.answer').getBoundingClientRect().bottom < 450")
            #expect(bottom == "true")
            let picture = try await page.evaluate(
                "document.querySelector('figure .broad svg').getBoundingClientRect().top < 500")
            #expect(picture == "true")
            let table = try await page.evaluate(
                "document.querySelector('table').getBoundingClientRect().top > "
                    + "document.querySelector('figure').getBoundingClientRect().bottom")
            #expect(table == "true")
        }
    }

    @Test(
        "has text of at least 11 px in every picture, and nothing that is wider than the screen",
        arguments: [390, 768, 1280])
    func sizes(width: Int) async throws {
        try await ReportBrowser.withPage(try Self.report(), width: width) { page async throws in
            _ = try await page.evaluate(
                "document.querySelectorAll('details').forEach((one) => one.open = true)")
            let small = try await page.evaluate(
                """
                [...document.querySelectorAll('figure svg[role=img]')].filter((plot) => plot.getClientRects().length > 0)
                    .map((plot) => [plot.getAttribute('aria-label'),
                        12 * plot.getBoundingClientRect().width / plot.viewBox.baseVal.width])
                    .filter(([, size]) => size < 11).join(' ')
                """)
            #expect(small == "")
            let fits = try await page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            #expect(fits == "true")
            #expect(try await page.screenshot().count > 10_000)
        }
    }

    @Test("prints on less than ten pages")
    func paper() async throws {
        try await ReportBrowser.withPage(try Self.report()) { page async throws in
            let text = String(decoding: try await page.printed(), as: UTF8.self)
            let pages = text.components(separatedBy: "/Type /Page").dropFirst().count { !$0.hasPrefix("s") }
            #expect(pages > 2)
            #expect(pages < 10)
        }
    }

    @Test("sorts a table by the column that is pressed, numbers as numbers, and says so")
    func sorting() async throws {
        try await ReportBrowser.withPage(try Self.report()) { page async throws in
            _ = try await page.evaluate(
                "document.querySelectorAll('table')[0].tHead.rows[0].cells[5].querySelector('button').click()"
            )
            let table = "document.querySelectorAll('table')[0]"
            #expect(
                try await page.evaluate("\(table).tHead.rows[0].cells[5].getAttribute('aria-sort')")
                    == "descending")
            let values = try await page.evaluate(
                "[...\(table).tBodies[0].rows].map((row) => parseFloat(row.cells[5].textContent.replaceAll(',', ''))).join()"
            )
            let numbers = values.split(separator: ",").compactMap { Double($0) }
            #expect(numbers.count == (try Self.reference.get()).strategies.count)
            #expect(numbers == numbers.sorted(by: >))
        }
    }

    @Test("opens what is folded when a link leads there")
    func folds() async throws {
        try await ReportBrowser.withPage(try Self.report()) { page async throws in
            let checks = "document.querySelector('#checks + details').open"
            #expect(try await page.evaluate(checks) == "false")
            _ = try await page.evaluate("location.hash = '#checks'")
            try await page.wait(until: checks)
        }
    }

    @Test(
        "has nothing that axe complains about, light and dark, wide and narrow",
        arguments: HeadlessBrowser.ColourScheme.allCases, [390, 1280])
    func accessible(scheme: HeadlessBrowser.ColourScheme, width: Int) async throws {
        let axe = try await Axe.script()
        try await ReportBrowser.withPage(try Self.report(), width: width) { page async throws in
            try await page.prefer(scheme)
            _ = try await page.evaluate(
                "document.querySelectorAll('details').forEach((one) => one.open = true)")
            #expect(try await Axe.complaints(page, axe) == "")
        }
    }

    @Test("axe can complain: of a picture without a name, and of grey on grey")
    func complaint() async throws {
        let axe = try await Axe.script()
        let page =
            "<!doctype html><html lang=en><title>t</title><main><h1>t</h1><svg role=img></svg>"
            + "<p style='color:#999;background:#aaa'>grey</p></main></html>"
        try await ReportBrowser.withPage(page) { page async throws in
            let text = try await Axe.complaints(page, axe)
            #expect(text.contains("svg-img-alt") && text.contains("color-contrast"))
        }
    }
}
