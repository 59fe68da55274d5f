import BenchModel
import BenchReports
import BenchResults
import BenchStatistics
import Foundation
import LabProcesses
import Testing

@testable import LabBenchKit

@Suite("lab-bench compare and report", .timeLimit(.minutes(10)))
struct CompareCommandTests {
    private func run(_ arguments: [String]) async throws -> (LabProcesses.ExitStatus, [String], [String]) {
        let tests = try #require(Executable.current())
        let program = (tests as NSString).deletingLastPathComponent + "/lab-bench"
        let child = try await ChildProcess.start(program, arguments)
        let status = await child.waitUntilExit()
        return (status, child.lines(of: .standardOutput), child.lines(of: .standardError))
    }

    private func write(_ results: RunResults, _ path: String) throws {
        try results.json().write(to: URL(fileURLWithPath: path))
    }

    @Test("ends with 2 for a slower result and 0 for a faster one, and writes the summaries")
    func files() async throws {
        let directory = try TemporaryDirectory()
        let (base, slow, fast) = (
            directory.file("a.json"), directory.file("b.json"), directory.file("c.json")
        )
        try write(try ComparisonTests.results(delay: 1, seed: 1), base)
        try write(try ComparisonTests.results(delay: 1.2, seed: 2), slow)
        try write(try ComparisonTests.results(delay: 0.8, seed: 3), fast)
        let (markdown, bmf) = (directory.file("summary.md"), directory.file("bmf.json"))
        let (slower, _, _) = try await run(["compare", base, slow, "--markdown", markdown, "--bmf", bmf])
        #expect(slower == .exited(2))
        let (faster, lines, _) = try await run(["compare", base, fast, "--quiet"])
        #expect(faster == .exited(0))
        #expect(lines.first?.contains("Faster: lua-atomic (purchases/s).") == true)
        let summary = String(
            decoding: FileManager.default.contents(atPath: markdown) ?? Data(), as: UTF8.self)
        #expect(summary.contains("## Load test: regression"))
        let metrics = try JSONSerialization.jsonObject(
            with: FileManager.default.contents(atPath: bmf) ?? Data())
        let measures = (metrics as? [String: [String: [String: Double]]])?["purchase/lua-atomic"]
        #expect(measures?["throughput"]?["value"] != nil)
        let (json, output, _) = try await run(["compare", base, slow, "--json"])
        #expect(json == .exited(2))
        #expect(output.first?.hasPrefix("{\"base\":") == true)
        directory.remove()
    }

    @Test(
        "ends with the code of what is worse than slow, and writes no metrics of it",
        arguments: [(BenchExit.violation, Int32(4)), (.invalid, 3), (.inconclusive, 5), (.interrupted, 130)])
    func exitCodes(verdict: BenchExit, code: Int32) async throws {
        let directory = try TemporaryDirectory()
        let (base, new) = (directory.file("a.json"), directory.file("b.json"))
        try write(try ComparisonTests.results(delay: 1, seed: 1), base)
        var results = try ComparisonTests.results(delay: 1, seed: 2)
        results.verdict.exit = verdict
        try write(results, new)
        let bmf = directory.file("bmf.json")
        let (status, _, errors) = try await run(["compare", base, new, "--bmf", bmf])
        #expect(status == .exited(code))
        #expect(!FileManager.default.fileExists(atPath: bmf))
        #expect(errors.first?.contains("no metrics were written") == true)
        directory.remove()
    }

    @Test("ends with 5 for another machine and for too few rounds")
    func notToBeTold() async throws {
        let directory = try TemporaryDirectory()
        let (base, other, few) = (
            directory.file("a.json"), directory.file("b.json"), directory.file("c.json")
        )
        try write(try ComparisonTests.results(delay: 1, seed: 1), base)
        var results = try ComparisonTests.results(delay: 1, seed: 2)
        results.env.cpu = "another"
        try write(results, other)
        results = try ComparisonTests.results(delay: 1, seed: 2, rounds: 3)
        results.trials.removeAll { $0.block == 3 }
        try write(results, few)
        for (base, new) in [(base, other), (few, few)] {
            let (status, _, _) = try await run(["compare", base, new])
            #expect(status == .exited(5))
        }
        directory.remove()
    }

    @Test("ends with 64 and one line for files that cannot be read or are of another major version")
    func unreadable() async throws {
        let directory = try TemporaryDirectory()
        let (good, old) = (directory.file("good.json"), directory.file("old.json"))
        var results = try ComparisonTests.results(delay: 1, seed: 1)
        try write(results, good)
        results.schemaVersion = "3.0"
        try write(results, old)
        for arguments in [["compare", good, old], ["compare", good, "/no/such"], ["report", old]] {
            let (status, _, errors) = try await run(arguments)
            #expect(status == .exited(64))
            #expect(errors.count == 1)
        }
        let (_, _, errors) = try await run(["compare", good, old])
        #expect(errors.first?.contains("schema version 3.0; this lab-bench reads 2.x") == true)
        directory.remove()
    }

    @Test("draws the same bytes again from the results")
    func report() async throws {
        let directory = try TemporaryDirectory()
        let results = try ComparisonTests.results(delay: 1, seed: 1)
        let first = directory.file("first")
        try FileManager.default.createDirectory(atPath: first, withIntermediateDirectories: true)
        try write(results, first + "/results.json")
        let (status, _, _) = try await run(["report", first])
        #expect(status == .exited(0))
        let second = directory.file("second")
        try FileManager.default.createDirectory(atPath: second, withIntermediateDirectories: true)
        try write(results, second + "/results.json")
        try ResultsFolder.writeReports(results, to: second)
        for name in ResultsFolder.reportNames {
            let drawn = FileManager.default.contents(atPath: "\(first)/\(name)")
            #expect(drawn != nil)
            #expect(drawn == FileManager.default.contents(atPath: "\(second)/\(name)"))
        }
        directory.remove()
    }

    @Test("links no file that is not there", arguments: [true, false])
    func links(hasResults: Bool) throws {
        let directory = try TemporaryDirectory()
        let results = try ComparisonTests.results(delay: 1, seed: 1)
        if hasResults { try write(results, directory.file("results.json")) }
        try ResultsFolder.writeReports(results, to: directory.file("."))
        let page = try String(contentsOfFile: directory.file("report.html"), encoding: .utf8)
        let text = try String(contentsOfFile: directory.file("LOAD_TEST_RESULT.md"), encoding: .utf8)
        let links =
            page.matches(of: #/href="([^"#]+)"/#).map { String($0.1) }
            + text.matches(of: #/\]\(([^)]+)\)/#).map { String($0.1) }
        #expect(links.contains("results.json") == hasResults)
        #expect(links.contains { $0.hasPrefix("plots/") })
        for link in links { #expect(FileManager.default.fileExists(atPath: directory.file(link)), "\(link)") }
        directory.remove()
    }
}

@Suite("The pairs of a run")
struct PairJudgementTests {
    @Test("are judged together, and a clear difference of seven rounds is found")
    func clear() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin", rounds: 7)
        var results = RunResultsTests.results(plan, RunResultsTests.trials(plan))
        for index in results.trials.indices {
            let isFast = results.trials[index].strategy == "lua-atomic"
            results.trials[index].purchasesPerSecond = Double(isFast ? 2000 : 1000) + Double(index)
        }
        let pairs = PairJudgement.all(results, noiseFloor: 0.02)
        #expect(pairs.map(\.first) == ["lua-atomic"])
        #expect(pairs.map(\.judgement.word) == [.slower])
        results.pairs = pairs
        let text = MarkdownReport(results).text
        #expect(text.contains("**2.00**") || text.contains("**1.99**"))
    }

    @Test("are none after a single round")
    func oneRound() throws {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin", rounds: 1)
        #expect(RunResultsTests.results(plan, RunResultsTests.trials(plan)).pairs.isEmpty)
    }
}
