import BenchResults
import Foundation
import Testing

@testable import BenchReports
@testable import FaultAudit

@Suite("FAULTS.md")
struct FaultMarkdownTests {
    private static func text(_ results: FaultResults, files: Set<String> = []) -> String {
        FaultMarkdown(results, files: files).text
    }

    /// The cells of a table's row, by the first cell of the row; of the first table below the heading.
    private static func row(_ name: String, below heading: String, _ text: String) throws -> [String] {
        let part = text[try #require(text.range(of: "\n\(heading)\n")).upperBound...]
        let line = try #require(part.split(separator: "\n").first { $0.hasPrefix("| \(name) |") })
        return line.dropFirst(2).dropLast(2).split(separator: " | ", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test("says first how many cells there are, and how many of them are as theory says")
    func sentence() {
        let text = Self.text(FaultFixture.results())
        #expect(
            text.hasPrefix(
                "# Fault lab: against theory\n\n**14 cells: 9 as theory says, 1 in which the ledger"))
        #expect(
            text.contains(
                "1 against theory, 2 in which a violation that theory demands was not shown, 1 undecided.**"))
        let right = Self.text(FaultFixture.results([FaultFixture.cell("fenced", "none")]))
        #expect(right.hasPrefix("# Fault lab: as theory says\n\n**1 cell, as theory says.**"))
        #expect(right.contains("Every cell that was run came out as theory says."))
    }

    @Test("says how many servers there were, and how long nobody was sold anything")
    func servers() {
        let text = Self.text(FaultFixture.ofTwoServers())
        #expect(text.contains("from 2 servers in turn, whose ledger is on one PostgreSQL"))
        #expect(text.contains("| servers | 2, on one PostgreSQL |"))
        #expect(text.contains("**Standstill**") && text.contains("| lose-server | 612 |"))
        #expect(!Self.text(FaultFixture.results()).contains("Standstill"))
    }

    @Test("says of each strategy what broke it, what was not shown and what was not decided")
    func strategies() {
        let text = Self.text(FaultFixture.results())
        #expect(
            text.contains(
                "- `setnx-spin`: **breaks at strategy level under: slow-holder; at service level under: slow-holder; "
                    + "undecided: pause-redis**"))
        #expect(
            text.contains(
                "- `fenced`: **breaks at strategy level under: slow-holder; not shown: pause-redis**"))
        let safe = FaultFixture.results([
            FaultFixture.cell("fenced", "none"), FaultFixture.cell("fenced", "slow-holder"),
            FaultFixture.cell("setnx-spin", "none", verdict: .unknown, why: "no Redis", tries: 0, shown: nil),
        ])
        let lines = Self.text(safe)
        #expect(lines.contains("- `fenced`: nothing broke it in 2 cells\n"))
        #expect(lines.contains("- `setnx-spin`: nothing is known; undecided: none\n"))
        #expect(lines.contains("- `lua-atomic`: not run\n"))
    }

    @Test("warns of each result that is against theory, lost, not shown or undecided")
    func warnings() {
        let text = Self.text(FaultFixture.results())
        for line in [
            "**The ledger lost something: lua-atomic under slow-holder (service level).**",
            "**Violated, although theory says safe: fenced under slow-holder (strategy level).**",
            "**Not shown, and so not known to be safe: theory demands a violation: fenced under pause-redis (strategy level).**",
            "**Undecided, and so not known to be safe: setnx-spin under pause-redis (strategy level).**",
            "**Violated with some of the seeds only: setnx-spin under slow-holder (strategy level).**",
        ] {
            #expect(text.contains(line), "\(line)")
        }
    }

    @Test("has a matrix for each level: a word for each pair, a mark where theory says something else")
    func matrices() throws {
        let text = Self.text(FaultFixture.results())
        #expect(
            try Self.row("slow-holder", below: "## Strategy level", text) == [
                "slow-holder", "**VIOLATED** (2 of 3 seeds)", "**VIOLATED (!)**", "safe (may break)",
            ])
        #expect(
            try Self.row("pause-redis", below: "## Strategy level", text) == [
                "pause-redis", "unknown", "not shown (!)", "safe",
            ])
        #expect(
            try Self.row("script-flush", below: "## Strategy level", text) == ["script-flush", "-", "-", ""])
        #expect(
            try Self.row("slow-holder", below: "## Service level", text) == [
                "slow-holder", "**VIOLATED**", "safe", "**VIOLATED (!)**",
            ])
        let service = text[try #require(text.range(of: "## Service level")).upperBound...]
        #expect(
            !service.prefix(upTo: try #require(service.range(of: "\n## ")).lowerBound).contains("| none |"))
    }

    @Test("never calls a pair safe that is not: of several seeds the worst is shown")
    func worst() {
        let safe = FaultFixture.cell("fenced", "none", seed: 1)
        let unknown = FaultFixture.cell(
            "fenced", "none", seed: 2, verdict: .unknown, why: "no Redis", shown: nil)
        let broken = FaultFixture.cell("fenced", "none", seed: 3, verdict: .violated)
        for (cells, result, share) in [
            ([safe, unknown], FaultPair.Result.unknown, "1 of 2 seeds"),
            ([safe, unknown, broken], .againstTheory, "1 of 3 seeds"), ([safe, safe], .safe, nil),
        ] {
            let pair = FaultPair(strategy: "fenced", fault: "none", level: .strategy, cells: cells)
            #expect(pair.result == result)
            #expect(pair.share == share)
        }
    }

    @Test("says what a fault cost as the median of the seeds; what did not recover is no number")
    func costs() throws {
        var cells = [10.0, 30, 200].enumerated().map { index, value in
            FaultFixture.cell(
                "fenced", "none", seed: UInt64(index),
                shown: FaultFixture.shown(
                    figures: FaultFixture.figures(availability: value / 100, recoveryMs: value)))
        }
        func costs() throws -> [String] {
            let text = Self.text(FaultFixture.results(cells))
            let part = try #require(text.range(of: "\n## What faults cost\n"))
            let end = try #require(text[part.upperBound...].range(of: "\n## "))
            return text[part.upperBound..<end.lowerBound].split(separator: "\n").filter {
                $0.hasPrefix("| none")
            }
            .map { String($0) }
        }
        #expect(
            try costs()
                == ["|  | 30 % |  |", "|  | 30 |  |", "|  | 340 |  |", "|  | 31.5 |  |"].map {
                    "| none " + $0
                })
        cells[0].shown?.figures.recoveryMs = nil
        #expect(try costs()[1] == "| none |  | 200 |  |")
        cells[1].shown?.figures.recoveryMs = nil
        cells[1].shown?.figures.availability = nil
        #expect(try costs()[1] == "| none |  | never |  |")
        #expect(try costs()[0] == "| none |  | 105 % |  |")
    }

    @Test("says of each violation what was seen, by how many units, in which try, and how to run it again")
    func violations() throws {
        let page = "cells/strategy-setnx-spin-slow-holder-7.html"
        let text = Self.text(FaultFixture.results(), files: [page])
        let row = try Self.row("setnx-spin", below: "## Violations", text)
        #expect(
            row == [
                "setnx-spin", "slow-holder", "strategy", "never-oversold, no-overlap",
                "buyers have 103 units of 100; operation 35 was let in while operation 32 was inside", "3",
                "2 of at most 20, 2 of 3 seeds", "[page](\(page))",
                "`lab-bench faults --strategies setnx-spin --faults slow-holder --level strategy --seed 7`",
            ])
    }

    @Test("lists every cell that is not as theory says, with the reason")
    func differences() throws {
        let text = Self.text(FaultFixture.results())
        let row = try Self.row("fenced", below: "## Theory and result", text)
        #expect(
            row == [
                "fenced", "slow-holder", "strategy", "7", "safe", "VIOLATED", "against theory",
                "4 of at most 20", "-",
                "fences-rise: the grant of operation 12 has number 7, after 7",
            ])
        #expect(
            text.contains("| the ledger lost something | 3 of at most 20 | - | one-row-each: 2 acknowledged"))
    }

    @Test("names in one row the pairs that a fault cannot strike for the same reason")
    func notApplicable() {
        let text = Self.text(FaultFixture.results())
        #expect(
            text.contains(#"| script-flush | strategy | setnx-spin, fenced | it has no script \| at all |"#))
    }

    @Test("links no file that is not there")
    func links() {
        func links(_ files: Set<String>) -> [Substring] {
            // A bracket behind a backslash is no link.
            Self.text(FaultFixture.results(), files: files).replacing(#"\]("#, with: "").matches(
                of: /\[[^\[\]]*\]\([^)]*\)/
            ).map(\.output)
        }
        #expect(links([]) == [])
        let some = links(["faults.json", "cells/service-fenced-slow-holder-7.html"])
        #expect(some == ["[safe](cells/service-fenced-slow-holder-7.html)", "[faults.json](faults.json)"])
    }

    @Test("shows text from outside as text: no mark of Markdown, no cell of a table more")
    func escaping() {
        let text = Self.text(FaultFixture.results())
        let escaped = #"\`ls\` \<b\>a|b\</b\> \*\*strong\*\* \[x\](y) \& "done" \\ end"#
        #expect(text.contains("- `pause-redis`: Redis is stopped, then goes on: \(escaped)."))
        #expect(text.contains("| \(escaped.replacing("|", with: #"\|"#)) |"))
        #expect(FaultMarkdown.plain("two\nlines") == "two lines")
    }

    @Test(
        "says plainly that a run is not whole",
        arguments: [
            (FaultResults.Run.Status.interrupted, 12, "The run was interrupted: 12 cells were not run."),
            (.outOfTime, 1, "The time was spent before every cell had its turn: 1 cell was not run."),
        ])
    func unfinished(status: FaultResults.Run.Status, notRun: Int, sentence: String) {
        let text = Self.text(
            FaultFixture.results([FaultFixture.cell("fenced", "none")], status: status, notRun: notRun))
        #expect(text.components(separatedBy: "**\(sentence)**").count == 3)
        #expect(!text.hasPrefix("# Fault lab: as theory says"))
    }

    @Test("says how it was run, and warns of a debug build")
    func method() {
        let text = Self.text(FaultFixture.results(buildMode: "debug"))
        for part in [
            "| seeds | 3, from 7 to 9 |", "| budget | 15 min |", "| commit | `d242f90aa` |",
            "2027-01-15T08:00:00Z, 12 min 34 s", "```\nlab-bench faults --seed 7 --seeds 3\n```",
            "**A debug build was run",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!Self.text(FaultFixture.results()).contains("debug build"))
    }

    @Test("says that nothing is known when no cell was run")
    func empty() {
        let text = Self.text(FaultFixture.results([], status: .interrupted, notRun: 40))
        #expect(text.hasPrefix("# Fault lab: nothing was run\n\n**No cell was run: nothing is known.**"))
        #expect(text.contains("40 cells were not run"))
        #expect(!text.contains("as theory says"))
        #expect(!text.contains("nothing broke it"))
    }
}
