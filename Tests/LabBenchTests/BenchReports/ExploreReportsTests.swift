import BenchModel
import BenchResults
import Foundation
import Testing

@testable import BenchReports

@Suite("EXPLORE.md and the stories")
struct ExploreReportsTests {
    private static func files(
        _ results: ExploreResults = ExploreFixture.results(), _ others: Set<String> = ["explore.json"]
    ) throws -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: try ExploreReports(results, files: others).files.map { ($0.path, $0.text) })
    }

    @Test("are one report, and of each story a text, a page and its decisions")
    func paths() throws {
        let story = "stories/setnx-spin-pause-buyer"
        #expect(
            Set(try Self.files().keys) == ["EXPLORE.md", "\(story).txt", "\(story).json", "\(story).html"])
    }

    @Test("the report links files that are there, and nothing else", arguments: [true, false])
    func links(hasJSON: Bool) throws {
        let others: Set<String> = hasJSON ? ["explore.json"] : []
        let files = try Self.files(ExploreFixture.results(), others)
        let report = try #require(files["EXPLORE.md"])
        let links = report.components(separatedBy: "](").dropFirst().map { String($0.prefix { $0 != ")" }) }
        #expect(Set(links) == Set(files.keys).subtracting(["EXPLORE.md"]).union(others))
    }

    @Test("the report has theory, schedules, violations by kind and verdict of each cell")
    func cells() throws {
        let report = try #require(try Self.files()["EXPLORE.md"])
        for line in [
            "# Exploration: against theory",
            "| strategy | setnx-spin | none | safe | 600 | - | held | - | - |",
            "| strategy | lua-atomic | none | safe | 600 | endless 1, lost-wake-up 2 | **VIOLATED AGAINST THEORY** | 17 | - |",
            "| strategy | lua-atomic | delay | violated | 600 | - | **NOT SHOWN** | - | - |",
            "| strategy | lua-atomic | jitter | safe | 600 | - | **not decided** | - | - |",
            "conservation 3 | violated, which theory allows |", "- `lua-atomic` under `delay`: NOT SHOWN",
            "| strategy | setnx-spin | 1,200 | 3 | 400 |", "lab-bench explore --seed 1 --order both",
            "`2bfd4296ed0ac1ec`",
            "| strategy | setnx-spin | none | 20 | 200 | 240 | 100 | 100 | 100 | 99.41 % | 2.47 % | 1 in 8,001 |",
        ] {
            #expect(report.contains(line), "\(line)")
        }
        #expect(!report.contains("What is equivalent"))
    }

    @Test("the report of all orders says what is equivalent, and what is left out")
    func all() throws {
        let cells = [
            ExploreFixture.cell("lua-atomic", "none", order: "all", isComplete: true, chance: nil),
            ExploreFixture.cell(
                "redlock", "none", .undecided, order: "all", isComplete: false, chance: nil),
        ]
        let results = ExploreFixture.results(cells, orders: "all", status: .interrupted, notRun: 2)
        let report = try #require(try Self.files(results)["EXPLORE.md"])
        for part in [
            "## What is equivalent, and what is left out", "held in all orders",
            "**not all orders were played**", "**2 cells had no turn, or not the whole of it.**",
            "interrupted",
        ] {
            #expect(report.contains(part), "\(part)")
        }
        #expect(!report.contains("The chance of PCT"))
    }

    @Test("a page has the violation, the drawing, each step in the column of who did it, and the way back")
    func page() throws {
        let page = try #require(try Self.files()["stories/setnx-spin-pause-buyer.html"])
        for part in [
            "violated as theory says", "no-overlap: operation 35 was let in", "<figure", "two inside",
            ">fault</text>", "ms since the world began", "(39 times)", "something &lt;b&gt;breaks&lt;/b&gt;",
            "lab-bench explore --replay stories/setnx-spin-pause-buyer.json",
        ] {
            #expect(page.contains(part), "\(part)")
        }
        let heads = ["ms", "process 0", "process 1", "redis", "world"]
        #expect(page.contains(heads.map { "<th scope=\"col\">\($0)</th>" }.joined()))
        for word in ["http://", "https://", "src=", "@import"] { #expect(!page.contains(word), "\(word)") }
    }

    @Test("a text has a line for each step, then what is wrong")
    func text() throws {
        let text = try #require(try Self.files()["stories/setnx-spin-pause-buyer.txt"])
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines[0].contains("2 processes, 2 buyers, 1 purchase each, 1 unit in stock"))
        #expect(lines[1] == "        0.000 ms  process 0  buyer 0 begins purchase 0")
        #expect(lines[3] == "        5.250 ms  process 1  SET lock:stock:{1} NX -> nil (39 times)")
        #expect(lines.last?.hasPrefix("    => no-overlap") == true)
    }
}
