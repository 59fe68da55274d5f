import BenchReports
import BenchResults
import Foundation
import LabTesting
import Testing

/// The pages of the fault lab as people read them: on a screen, on a phone, with a screen reader, without a
/// mouse.
@Suite("faults.html and who reads it", .serialized, .timeLimit(.minutes(5)))
struct FaultReaderTests {
    /// The overview with few cells, the overview with as many as the catalogue has, and pages of cells.
    private static let pages: [(name: String, text: String)] = {
        let small = FaultPages(FaultFixture.results(), files: ["faults.json"]).pages
        let names = [
            "faults.html", "cells/strategy-setnx-spin-slow-holder-7.html",
            "cells/strategy-fenced-slow-holder-7.html", "cells/strategy-setnx-spin-pause-redis-7.html",
        ]
        return small.filter { names.contains($0.path) }.map { ($0.path, $0.text) }
            + [("large.html", FaultPages(FaultFixture.large).pages[0].text)]
    }()

    private static let fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"

    @Test(
        "have nothing that axe complains about, throw nothing, and are no wider than the screen",
        arguments: HeadlessBrowser.ColourScheme.allCases, [390, 1280])
    func accessible(scheme: HeadlessBrowser.ColourScheme, width: Int) async throws {
        let axe = try await Axe.script()
        #expect(Self.pages.count == 5)
        for (name, text) in Self.pages {
            try await ReportBrowser.withPage(text, width: width) { page async throws in
                try await page.prefer(scheme)
                _ = try await page.evaluate(
                    "document.querySelectorAll('details').forEach((one) => one.open = true)")
                let complaints = try await Axe.complaints(page, axe)
                #expect(complaints == "", "\(name)")
                #expect(try await page.evaluate(Self.fits) == "true", "\(name)")
                #expect(page.errors == [])
            }
        }
    }

    @Test(
        "every word of the matrix stands out from its ground",
        arguments: HeadlessBrowser.ColourScheme.allCases)
    func contrast(scheme: HeadlessBrowser.ColourScheme) async throws {
        try await ReportBrowser.withPage(Self.pages[0].text) { page async throws in
            try await page.prefer(scheme)
            for kind in ["safe", "broken", "wrong", "open"] {
                #expect(try await page.contrast(of: ".matrix a.\(kind)") >= 4.5, "\(kind)")
            }
        }
    }

    @Test("shows the verdict and the first matrix within the first screen")
    func firstScreen() async throws {
        try await ReportBrowser.withPage(FaultPages(FaultFixture.large).pages[0].text) { page async throws in
            let top = "document.querySelector('.matrix').getBoundingClientRect().top"
            #expect(try await page.evaluate("\(top) < 450") == "true")
            // All strategies stand beside each other.
            let whole = "document.querySelector('.matrix')"
            #expect(try await page.evaluate("\(whole).scrollWidth <= \(whole).clientWidth") == "true")
        }
    }

    @Test("keeps the names of faults in sight when a phone's reader moves the matrix")
    func sticky() async throws {
        try await ReportBrowser.withPage(
            FaultPages(FaultFixture.large).pages[0].text, width: 390, height: 800
        ) {
            page async throws in
            let left = "document.querySelector('.matrix tbody th').getBoundingClientRect().left"
            let before = try await page.evaluate(left)
            let moved = try await page.evaluate(
                "(() => { const one = document.querySelector('.matrix'); one.scrollLeft = 300; return one.scrollLeft; })()"
            )
            #expect(moved == "300")
            let after = try #require(Double(try await page.evaluate(left)))
            #expect(abs(after - (try #require(Double(before)))) < 4)
            let cell = try await page.evaluate(
                "document.querySelector('.matrix tbody td').getBoundingClientRect().left < 0")
            #expect(cell == "true")
        }
    }

    @Test("has text of at least 11 px in every picture", arguments: [390, 768, 1280])
    func sizes(width: Int) async throws {
        for (name, text) in Self.pages {
            try await ReportBrowser.withPage(text, width: width) { page async throws in
                let small = try await page.evaluate(
                    """
                    [...document.querySelectorAll('figure svg[role=img]')].filter((plot) => plot.getClientRects().length > 0)
                        .map((plot) => [plot.getAttribute('aria-label'),
                            12 * plot.getBoundingClientRect().width / plot.viewBox.baseVal.width])
                        .filter(([, size]) => size < 11).join(' ')
                    """)
                #expect(small == "", "\(name)")
            }
        }
    }

    @Test("leads by the keyboard from the matrix to a page of a cell, and says where each link goes")
    func keyboard() async throws {
        try await ReportBrowser.withPage(Self.pages[0].text) { page async throws in
            let wrong = try await page.evaluate(
                """
                [...document.querySelectorAll('.matrix')].filter((one) => one.tabIndex !== 0).length
                    + [...document.querySelectorAll('.matrix a')].filter((one) => one.tabIndex !== 0 || !one.title).length
                """)
            #expect(wrong == "0")
        }
    }
}
