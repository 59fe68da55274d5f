import Foundation
import Testing

/// The figures that README and articles quote of a run, held against the results.json that they link.
@Suite("The figures that documents quote") struct QuotedFiguresTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        .standardizedFileURL

    /// Rate, p95 and Redis commands of each strategy of a run.
    private struct Figures {
        private var known: [String: [String: Double]] = [:]

        init(_ run: String) throws {
            let data = try Data(contentsOf: root.appending(path: "results/\(run)/results.json"))
            let results = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            for entry in results["strategies"] as? [[String: Any]] ?? [] {
                let latency = entry["latency_us"] as? [String: Any] ?? [:]
                let rate = entry["purchases_per_second"] as? [String: Any] ?? [:]
                func milliseconds(_ key: String) -> Double? { (latency[key] as? Double).map { $0 / 1000 } }
                let id = try #require(entry["id"] as? String)
                known[id] = [
                    "rate": rate["median"] as? Double, "least": rate["min"] as? Double,
                    "most": rate["max"] as? Double, "p50": milliseconds("p50"), "p95": milliseconds("p95"),
                    "p99": milliseconds("p99"), "commands": entry["redis_commands_per_success"] as? Double,
                ].compactMapValues(\.self)
            }
        }

        /// Whether a text is the figure, to three digits.
        func has(_ id: String, _ figure: String, _ text: Substring) -> Bool {
            guard let value = known[id]?[figure],
                let quoted = Double(text.replacing(",", with: "").trimmingCharacters(in: .whitespaces))
            else { return false }
            return abs(quoted - value) <= 0.0051 * abs(value)
        }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The last part of the run's folder that a text links first.
    private static func run(in text: some StringProtocol) throws -> String {
        let link = try #require(String(text).firstMatch(of: #/results/(2[0-9T-]+-[a-z-]+)/#))
        return String(link.1)
    }

    /// Articles whose figures are not those of the run that they link.
    private static func wrong(_ article: String, _ id: String) throws -> [String] {
        guard let start = article.range(of: "Measured: [results/") else { return [] }
        let end = article.range(of: "\n\n", range: start.upperBound..<article.endIndex)?.lowerBound
        let paragraph = article[start.lowerBound..<(end ?? article.endIndex)]
        let figures = try Figures(run(in: paragraph))
        var wrong: [String] = []
        let rate = String(paragraph).firstMatch(of: #/([0-9,]+) purchases\s+a\s+second/#)
        if rate.map({ figures.has(id, "rate", $0.1) }) != true { wrong.append("\(id): rate") }
        let p95 = String(paragraph).firstMatch(of: #/p95\s+([0-9.,]+)\s+ms/#)
        if p95.map({ figures.has(id, "p95", $0.1) }) != true { wrong.append("\(id): p95") }
        if let commands = String(paragraph).firstMatch(of: #/([0-9.]*[0-9])\s+commands\s+a\s+sale/#),
            !figures.has(id, "commands", commands.1)
        {
            wrong.append("\(id): commands")
        }
        return wrong
    }

    @Test("of each strategy's article are those of the run that it links")
    func articles() throws {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appending(path: "docs/strategies").path
        ).filter { $0.hasSuffix(".md") && $0 != "README.md" }
        var measured = 0
        for name in names {
            let article = try Self.text("docs/strategies/\(name)")
            if article.contains("Measured: [results/") { measured += 1 }
            #expect(try Self.wrong(article, String(name.dropLast(3))) == [])
        }
        #expect(measured >= 8)
        let stale = try Self.text("docs/strategies/lua-atomic.md").replacing(
            #/[0-9,]+ purchases a second/#, with: "1 purchases a second")
        #expect(try Self.wrong(stale, "lua-atomic") == ["lua-atomic: rate"])
    }

    @Test("of README's first table are those of the run that stands above it")
    func readme() throws {
        let readme = try Self.text("README.md")
        let section = try #require(readme.range(of: "## What a run says"))
        let rest = readme[section.upperBound...]
        let figures = try Figures(Self.run(in: rest))
        let table = rest.split(separator: "\n").drop { !$0.hasPrefix("| ---") }.dropFirst()
        var rows = 0
        for row in table.prefix(while: { $0.hasPrefix("| `") }) where !row.contains("| control |") {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let id = String(cells[0].split(separator: "`")[0])
            let rates = cells[1].matches(of: #/[0-9,]+/#).map(\.output)
            #expect(rates.count == 3)
            for (figure, text) in zip(["rate", "least", "most"], rates) {
                #expect(figures.has(id, figure, text), "\(id): \(figure)")
            }
            for (figure, cell) in zip(["p50", "p95", "p99"], cells[3...5]) {
                #expect(figures.has(id, figure, cell[...]), "\(id): \(figure)")
            }
            rows += 1
        }
        #expect(rows >= 10)
    }
}
