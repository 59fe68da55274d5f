import Foundation
import LabProcesses
import LabTesting
import Testing

/// A page of a report in a browser.
enum ReportBrowser {
    static func withPage(
        _ text: String, width: Int = 1280, height: Int = 900,
        _ body: (HeadlessBrowser) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("page.html")
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try await HeadlessBrowser.withPage { page async throws in
            try await page.resize(width: width, height: height)
            try await page.go(to: "file://" + path)
            try await page.wait(
                until: "document.readyState === 'complete' && document.querySelector('h1') !== null")
            try await body(page)
        }
        directory.remove()
    }
}

/// What axe has against a page.
enum Axe {
    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL

    /// axe-core of Deque, which `./lab validator` installs.
    static func script() async throws -> String {
        let lab = try await ChildProcess.start(root.appending(path: "lab").path(), ["validator"])
        let status = await lab.waitUntilExit()
        try #require(status.isSuccess, "./lab validator: \(lab.lines().joined(separator: "; "))")
        let python = try #require(lab.lines(of: .standardOutput).last)
        let library = URL(filePath: python).appending(path: "../../lib").standardizedFileURL
        let version = try #require(try FileManager.default.contentsOfDirectory(atPath: library.path()).first)
        let script = library.appending(path: "\(version)/site-packages/axe_playwright_python/axe.min.js")
        return try String(contentsOf: script, encoding: .utf8)
    }

    /// What axe has against the page, by WCAG 2.2 AA and what it calls best practice.
    static func complaints(_ page: HeadlessBrowser, _ axe: String) async throws -> String {
        try await page.run(script: axe)
        return try await page.evaluate(
            """
            axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
                .then((found) => found.violations.map((one) => one.id + ': '
                    + one.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(', ')).join('; '))
            """)
    }
}
