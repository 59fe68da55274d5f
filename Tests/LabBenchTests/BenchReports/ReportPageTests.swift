import BenchReports
import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import BenchRun

/// `report.html` as its reader sees it: a file, in a browser, without a network.
@Suite("report.html in a browser", .serialized, .timeLimit(.minutes(5)))
struct ReportPageTests {
    /// With a closed and an open load.
    private static func report() throws -> HTMLReport {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic,setnx-spin")
        let closed = RunResultsTests.trials(plan)
        let open = RunResultsTests.trials(plan, of: plan.openSchedule(rate: 100))
        return HTMLReport(
            RunResultsTests.results(plan, closed + open, ceilings: RunResultsTests.ceilings))
    }

    private func withReport(_ body: (HeadlessBrowser, _ path: String) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("report.html")
        try Data(try Self.report().text.utf8).write(to: URL(fileURLWithPath: path))
        try await HeadlessBrowser.withPage { page async throws in
            try await page.goOffline()
            try await page.resize(width: 1280, height: 900)
            try await body(page, path)
        }
        directory.remove()
    }

    @Test(
        "opens with the network off, asks for nothing, has no script error, and is readable light and dark",
        arguments: HeadlessBrowser.ColourScheme.allCases)
    func opens(scheme: HeadlessBrowser.ColourScheme) async throws {
        try await withReport { page, path async throws in
            try await page.prefer(scheme)
            try await page.go(to: "file://" + path)
            try await page.wait(
                until: "document.readyState === 'complete' && document.querySelector('h1') !== null")
            #expect(try await page.evaluate("performance.getEntriesByType('resource').length") == "0")
            #expect(page.errors == [])
            let ground = try await page.evaluate("getComputedStyle(document.body).backgroundColor")
            let parts = ground.split { !$0.isNumber }.prefix(3).compactMap { Int($0) }
            #expect(
                parts.count == 3 && parts.allSatisfy { scheme == .light ? $0 > 200 : $0 < 60 }, "\(ground)")
            for selector in ["h1", "p", "td", "th", "figcaption", "code", ".verdict strong"] {
                #expect(try await page.contrast(of: selector) >= 4.5, "\(selector)")
            }
        }
    }

    @Test("draws every picture of the report with marks that can be seen, inside its frame")
    func pictures() async throws {
        let report = try Self.report()
        let plots = 2 * (report.figures + report.timelines).flatMap(\.plots).count
        try await withReport { page, path async throws in
            try await page.go(to: "file://" + path)
            try await page.wait(
                until: "document.querySelectorAll('figure svg[role=img]').length === \(plots)")
            _ = try await page.evaluate(
                "document.querySelectorAll('details').forEach((one) => one.open = true)")
            let bad = try await page.evaluate(
                """
                [...document.querySelectorAll('figure svg[role=img]')].filter((plot) => {
                    if (plot.getClientRects().length === 0) return false;
                    const frame = plot.getBoundingClientRect();
                    const marks = [...plot.querySelectorAll('polyline, circle, path, g > rect')];
                    return frame.width < 300 || frame.height < 100 || marks.length === 0 || marks.some((mark) => {
                        const box = mark.getBoundingClientRect();
                        return !(box.left >= frame.left - 1 && box.right <= frame.right + 1
                            && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1);
                    });
                }).map((plot) => plot.getAttribute('aria-label')).join()
                """)
            #expect(bad == "")
            // Of the two drawings of each picture the one that fits its place.
            let shown = try await page.evaluate(
                "[...document.querySelectorAll('figure svg[role=img]')].filter((plot) => plot.getClientRects().length > 0).length"
            )
            #expect(shown == "\(plots / 2)")
            let wide = try await page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            #expect(wide == "true")
        }
    }
}
