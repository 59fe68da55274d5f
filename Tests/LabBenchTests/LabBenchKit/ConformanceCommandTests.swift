import BenchModel
import BenchResults
import Foundation
import LabProcesses
import Testing

/// Real processes: lab-bench, drivers, Redis.
@Suite("lab-bench conformance", .serialized, .timeLimit(.minutes(5)))
struct ConformanceCommandTests {
    private func run(
        _ arguments: [String]
    ) async throws -> (end: LabProcesses.ExitStatus, output: [String], errors: [String]) {
        let mark = ProcessMark()
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"), ["conformance"] + arguments,
            environment: mark.environment)
        let end = await child.waitUntilExit()
        #expect(await mark.left == [])
        return (end, child.lines(of: .standardOutput), child.lines(of: .standardError))
    }

    private var driver: String { "python3 '\(ConformanceFaultTests.driver)'" }

    @Test("ends with 0 when no clause failed, and writes the table, JSON, JUnit and the drivers' logs")
    func good() async throws {
        let folder = try TemporaryDirectory()
        let log = folder.file("driver.sh")
        try Data("echo started >&2\nexec \(driver)\n".utf8).write(to: URL(filePath: log))
        let (end, output, errors) = try await run([
            "--driver", "mine=sh \(log)", "--strategies", "setnx-spin,lua-atomic", "--clauses",
            "second-release,quorum", "--output", folder.file("out"),
        ])
        #expect(end == .exited(0), "\(errors) \(output)")
        #expect(output.contains { $0.split(separator: " ") == ["second-release", "pass", "pass"] })
        #expect(output.contains { $0.split(separator: " ") == ["quorum", "n/a", "n/a"] })
        #expect(output.last == "report: \(folder.file("out"))/CONFORMANCE.md")
        let data = try Data(contentsOf: URL(filePath: folder.file("out/conformance.json")))
        #expect(try await SchemaJudge.complaints(data, schema: "conformance") == [])
        let results = try ConformanceResults.decode(data)
        #expect(results.locks.map(\.kind) == [.strategy, .lockFree, .driver])
        #expect(results.locks.last?.abilities == ["extend", "fence", "validity", "own-process"])
        #expect(results.findings.count == 6)
        #expect(results.run.command.contains("--driver mine=COMMAND"))
        #expect(
            try String(contentsOfFile: folder.file("out/drivers/mine.log"), encoding: .utf8)
                .hasPrefix("started\n"))
        for name in ["CONFORMANCE.md", "junit.xml"] {
            #expect(FileManager.default.fileExists(atPath: folder.file("out/\(name)")))
        }
        // What was found is not written over.
        let again = try await run(["--clauses", "deadline", "--output", folder.file("out")])
        #expect(again.end == .exited(64) && again.errors.first?.contains("holds results already") == true)
    }

    @Test("ends with 4 when a clause failed, and judges the drivers alone where no strategy is named")
    func violation() async throws {
        let folder = try TemporaryDirectory()
        let (end, output, _) = try await run([
            "--driver", "mine=\(driver) --fault no-compare", "--clauses", "second-release,deadline",
            "--output", folder.file("out"), "--quiet",
        ])
        #expect(end == .exited(4))
        #expect(output.first?.split(separator: " ") == ["mine"])
        #expect(output.contains { $0.hasPrefix("mine, second-release: FAIL: ") })
        #expect(output.contains { $0.contains("A: release") && $0.contains("released") })
    }

    @Test("ends with 5 when a clause is unknown and none failed")
    func unknown() async throws {
        let folder = try TemporaryDirectory()
        let (end, output, _) = try await run([
            "--driver", "mine=python3 '\(DriverPage.faulty)' error", "--clauses", "second-release",
            "--output", folder.file("out"), "--json",
        ])
        #expect(end == .exited(5))
        let results = try ConformanceResults.decode(Data(output.joined().utf8))
        #expect(results.findings.map(\.verdict) == [.unknown])
        #expect(results.findings.first?.reason?.contains("Redis is loading") == true)
    }

    @Test(
        "ends with 64 and one sentence for what cannot be",
        arguments: [
            (["--clauses", "late-relaese"], "did you mean late-release?"),
            (["--strategies", "setnx-spinn"], "did you mean setnx-spin?"),
            (
                ["--strategies", "pg-advisory"],
                "pg-advisory cannot be judged: it takes its lock in PostgreSQL"
            ),
            (["--driver", "mine"], "must be NAME=COMMAND"),
            (["--driver", "setnx-spin=true", "--strategies", "setnx-spin"], "--driver setnx-spin: "),
            (["--driver", "mine=true"], "before its hello"), (["--at-once", "0"], "from 1 to 16"),
        ])
    func usage(arguments: [String], sentence: String) async throws {
        let (end, output, errors) = try await run(arguments)
        #expect(end == .exited(64), "\(output)")
        #expect(errors.count == 1 && errors[0].contains(sentence), "\(errors)")
    }
}
