import BenchModel
import BenchResults
import Foundation
import LabProcesses
import Testing

/// The real program: what `lab-bench explore` writes, plays again, and leaves when somebody ends it.
@Suite("lab-bench explore --output and --replay", .serialized, .timeLimit(.minutes(5)))
struct ExploreOutputTests {
    private func start(_ arguments: [String]) async throws -> ChildProcess {
        try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"), ["explore"] + arguments,
            environment: ProcessInfo.processInfo.environment)
    }

    private func run(_ arguments: [String]) async throws -> (
        end: LabProcesses.ExitStatus, child: ChildProcess
    ) {
        let child = try await start(arguments)
        return (await child.waitUntilExit(), child)
    }

    /// - Returns: What stands in `out/explore.json` of the folder.
    private func explore(
        _ folder: borrowing TemporaryDirectory, _ faults: String, _ more: [String] = []
    ) async throws -> ExploreResults {
        let (end, child) = try await run(
            [
                "--level", "strategy", "--strategies", "setnx-spin,lua-atomic", "--faults", faults,
                "--output", folder.file("out"),
            ] + more)
        #expect(end == .exited(0), "\(child.lines())")
        #expect(child.lines().last == "report: \(folder.file("out"))/EXPLORE.md")
        return try ExploreResults.decode(Data(contentsOf: URL(filePath: folder.file("out/explore.json"))))
    }

    @Test("writes what its schema describes, a report, and each violation as a story that is played again")
    func writes() async throws {
        let folder = try TemporaryDirectory()
        let results = try await explore(folder, "none,slow-holder", ["--seed", "1", "--schedules", "40"])
        let data = try Data(contentsOf: URL(filePath: folder.file("out/explore.json")))
        #expect(try await SchemaJudge.complaints(data, schema: "explore") == [])
        #expect(results.cells.map(\.theory) == [.safe, .violated, .safe, .safe])
        #expect(results.cells.allSatisfy { $0.judgement == .asExpected && $0.cpuSeconds > 0 })
        #expect(results.run.status == .complete && results.notRun == 0 && results.run.trace.count > 8)
        #expect(results.cells[0].chance?.of.schedulesByChanges.reduce(0, +) == 20)
        let violated = results.cells[1]
        let story = try #require(violated.story)
        #expect(violated.firstViolatingSeed == 1 && violated.violations["conservation"] == 1)
        #expect(!story.decisions.isEmpty && story.steps.count <= 25)
        let place = folder.file("out/stories/setnx-spin-slow-holder")
        for ending in ["txt", "html"] {
            #expect(FileManager.default.fileExists(atPath: "\(place).\(ending)"))
        }
        #expect(try ExploreStory.decode(Data(contentsOf: URL(filePath: "\(place).json"))) == story)
        let (end, again) = try await run(["--replay", "\(place).json"])
        #expect(end == .exited(4), "\(again.lines())")
        #expect(again.lines(of: .standardOutput).joined(separator: "\n") == story.text)
        #expect(again.lines(of: .standardError) == [])
    }

    @Test("writes the violations among all orders too, and plays them again")
    func allOrders() async throws {
        let folder = try TemporaryDirectory()
        let results = try await explore(folder, "clock-jump", ["--order", "all", "--schedules", "500"])
        let cell = try #require(results.cells.first { $0.strategy == "setnx-spin" && $0.violated > 0 })
        #expect(cell.isComplete == false && cell.story?.order.rule == .all)
        let place = folder.file("out/stories/setnx-spin-clock-jump.json")
        #expect(try await run(["--replay", place]).end == .exited(4))
        let report = try String(contentsOfFile: folder.file("out/EXPLORE.md"), encoding: .utf8)
        #expect(report.contains("What is equivalent") && report.contains("held in all orders"))
    }

    @Test("draws the same reports again from explore.json")
    func report() async throws {
        let folder = try TemporaryDirectory()
        _ = try await explore(folder, "slow-holder", ["--seed", "1", "--schedules", "20"])
        let names = ["EXPLORE.md", "stories/setnx-spin-slow-holder.html"]
        let before = names.map { FileManager.default.contents(atPath: folder.file("out/\($0)")) }
        for name in names { try FileManager.default.removeItem(atPath: folder.file("out/\(name)")) }
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"), ["report", folder.file("out")],
            environment: ProcessInfo.processInfo.environment)
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
        #expect(names.map { FileManager.default.contents(atPath: folder.file("out/\($0)")) } == before)
    }

    @Test("says when a story is not violated any more, and ends with 0")
    func harmless() async throws {
        let folder = try TemporaryDirectory()
        var story = ExploreFixture.story
        (story.fault, story.decisions) = ("none", [])
        try story.json().write(to: URL(filePath: folder.file("story.json")))
        let (end, child) = try await run(["--replay", folder.file("story.json")])
        #expect(end == .exited(0), "\(child.lines())")
        #expect(child.lines(of: .standardError).count == 1)
        #expect(child.lines(of: .standardError)[0].contains("another story than the file tells"))
    }

    @Test(
        "refuses a file that is no story, or no story of this program, in one line",
        arguments: [
            (#""strategy":"setnx-spin""#, #""strategy":"setnx-spim""#),
            (#""fault":"pause-buyer""#, #""fault":"gremlins""#), (#""buyers":1"#, #""buyers":1000000"#),
            (#""stock":1"#, #""stock":-1"#), (#""changes":2"#, #""changes":null"#),
            (#""decisions":[0,3,0,1]"#, #""decisions":[-1]"#), (#""schema":"1.0""#, #""schema":"2.0""#),
            (#""strategy":"setnx-spin""#, #""strategy":"sql-row""#), ("{", "["),
        ])
    func refuses(from: String, to: String) async throws {
        let folder = try TemporaryDirectory()
        let text = String(decoding: try ExploreFixture.story.json(), as: UTF8.self)
        let changed = text.replacing(from, with: to)
        try #require(changed != text)
        try changed.write(toFile: folder.file("story.json"), atomically: true, encoding: .utf8)
        let (end, child) = try await run(["--replay", folder.file("story.json")])
        #expect(end == .exited(64))
        #expect(child.lines().count == 1, "\(child.lines())")
        #expect(child.lines()[0].contains("story.json: "))
    }

    @Test("refuses a directory that holds results, and leaves them as they are")
    func holdsResults() async throws {
        let folder = try TemporaryDirectory()
        let file = folder.file("explore.json")
        try "{}".write(toFile: file, atomically: true, encoding: .utf8)
        let (end, child) = try await run(["--output", folder.path])
        #expect(end == .exited(64))
        #expect(child.lines().count == 1 && child.lines()[0].contains("holds results already"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "{}")
    }

    @Test(
        "keeps the results where nobody reads what it prints",
        arguments: [">/dev/full", ">&-", "| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}"])
    func unread(end: String) async throws {
        let folder = try TemporaryDirectory()
        let line =
            "\"$0\" explore --level strategy --strategies unguarded --faults none --seed 1 --output \"$1\" \(end)"
        let child = try await ChildProcess.start(
            "/bin/bash", ["-c", line, try RunCommandTests.program("lab-bench"), folder.file("out")])
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
        for name in ["explore.json", "EXPLORE.md", "stories/unguarded-none.html"] {
            #expect(FileManager.default.fileExists(atPath: folder.file("out/\(name)")), "\(name)")
        }
    }

    @Test("ends within seconds with 130 when somebody ends it, and keeps the cells that are done")
    func interrupted() async throws {
        let folder = try TemporaryDirectory()
        let child = try await start([
            "--level", "strategy", "--strategies", "lua-atomic,redlock", "--faults", "slow-holder",
            "--schedules", "2000", "--seed",
            "1", "--output", folder.file("out"),
        ])
        #expect(await child.line(within: .seconds(60)) { $0.hasPrefix("[1/2]") } != nil)
        let struck = ContinuousClock.now
        child.signal(SIGINT)
        #expect(await child.waitUntilExit() == .exited(130), "\(child.lines())")
        #expect(struck.duration(to: .now) < .seconds(5))
        let results = try ExploreResults.decode(
            try Data(contentsOf: URL(filePath: folder.file("out/explore.json"))))
        #expect(results.run.status == .interrupted)
        #expect(results.cells.count + results.notRun == 2 && results.cells[0].strategy == "lua-atomic")
    }

    @Test("ends within seconds with 130 while it explores, in each order", arguments: ["both", "all"])
    func interruptedEarly(order: String) async throws {
        let child = try await start([
            "--level", "strategy", "--strategies", "setnx-notify", "--faults", "none", "--schedules",
            "100000000", "--order", order,
        ])
        #expect(await child.line(within: .seconds(60)) { $0.hasPrefix("1 cell, ") } != nil)
        let struck = ContinuousClock.now
        child.signal(SIGINT)
        #expect(await child.waitUntilExit() == .exited(130), "\(child.lines())")
        #expect(struck.duration(to: .now) < .seconds(5))
    }
}
