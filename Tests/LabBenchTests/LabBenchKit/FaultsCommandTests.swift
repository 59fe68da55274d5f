import BenchModel
import BenchResults
import FaultAudit
import Foundation
import LabProcesses
import Testing

/// Real processes: lab-bench with its workers, servers and Redis.
@Suite("lab-bench faults", .serialized, .timeLimit(.minutes(5)))
struct FaultsCommandTests {
    private func start(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> ChildProcess {
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        return try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"), ["faults"] + arguments, environment: all)
    }

    @Test("writes the matrix, the pages and the histories, and ends with 0 when all came out as theory says")
    func good() async throws {
        let folder = try TemporaryDirectory()
        let child = try await start([
            "--strategies", "unguarded,lua-atomic", "--faults", "none", "--level", "strategy", "--output",
            folder.file("out"),
        ])
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
        let text = child.lines(of: .standardOutput).joined(separator: "\n")
        #expect(text.contains("2 cells") && text.contains("at most") && text.contains("(--budget)"))
        #expect(text.contains("unguarded") && text.contains("faults.html"))
        let data = try Data(contentsOf: URL(filePath: folder.file("out/faults.json")))
        let results = try FaultResults.decode(data)
        #expect(results.cells.map(\.verdict) == [.violated, .safe])
        #expect(results.run.status == .complete && results.notRun == 0)
        for cell in results.cells {
            let history = try #require(cell.shown?.history)
            #expect(FileManager.default.fileExists(atPath: folder.file("out/\(history)")))
            #expect(FileManager.default.fileExists(atPath: folder.file("out/cells/\(cell.name).html")))
        }
        for name in ["FAULTS.md", "faults.html"] {
            #expect(FileManager.default.fileExists(atPath: folder.file("out/\(name)")))
        }
    }

    @Test(
        "strikes one of two servers on one PostgreSQL, which it starts, and leaves no process",
        .enabled(if: PostgresServerProcess.programs() != nil, "\(PostgresServerProcess.absence)"))
    func servers() async throws {
        let folder = try TemporaryDirectory()
        let mark = ProcessMark()
        let child = try await start(
            [
                "--servers", "2", "--strategies", "sql-row", "--faults", "lose-server", "--output",
                folder.file("out"),
            ], environment: mark.environment)
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
        #expect(await mark.left == [])
        let data = try Data(contentsOf: URL(filePath: folder.file("out/faults.json")))
        #expect(try await SchemaJudge.complaints(data, schema: "faults") == [])
        let results = try FaultResults.decode(data)
        #expect(results.run.servers == 2 && results.run.command.contains("--servers 2"))
        #expect(results.cells.map(\.level) == [.service] && results.cells.map(\.verdict) == [.safe])
        #expect(results.cells[0].shown?.figures.standstillMs != nil)
    }

    @Test("shows what was seen of a driver, and ends with 4 only for what must hold")
    func driver() async throws {
        let folder = try TemporaryDirectory()
        let mark = ProcessMark()
        let command = "python3 '\(ConformanceFaultTests.driver)' --fault ttl-second"
        let child = try await start(
            [
                "--driver", "mine=\(command)", "--faults", "none,slow-holder", "--level", "strategy",
                "--must-hold", "none", "--output", folder.file("out"),
            ], environment: mark.environment)
        #expect(await child.waitUntilExit() == .exited(0), "\(child.lines())")
        #expect(await mark.left == [])
        let data = try Data(contentsOf: URL(filePath: folder.file("out/faults.json")))
        #expect(try await SchemaJudge.complaints(data, schema: "faults") == [])
        let results = try FaultResults.decode(data)
        #expect(results.strategies.map(\.id) == ["mine"])
        #expect(results.cells.map(\.verdict) == [.safe, .violated])
        #expect(results.cells.map(\.expected) == [.safe, .unknown])
        #expect(results.cells.map(\.judgement) == [.asExpected, .seen])
        // Two of five servers are enough for it: two hold the lock, although nothing is broken.
        let bad = try await start(
            [
                "--driver", "mine=\(command) --quorum --fault quorum-half", "--faults", "none", "--level",
                "strategy", "--must-hold", "none", "--output", folder.file("bad"), "--quiet",
            ], environment: mark.environment)
        let end = await bad.waitUntilExit()
        #expect(end == .exited(4), "\(bad.lines())")
    }

    @Test("refuses what cannot be with 64, says it in one line, and leaves nothing behind")
    func usage() async throws {
        let folder = try TemporaryDirectory()
        for arguments in [
            ["--faults", "gremlins"], ["--strategies", "lua-atomic", "--faults", "node-down"],
            ["--servers", "2", "--level", "strategy"],
        ] {
            let child = try await start(arguments + ["--output", folder.file("out")])
            #expect(await child.waitUntilExit() == .exited(64))
            #expect(child.lines().count == 1, "\(child.lines())")
            #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
        }
    }

    @Test("ends with 6 when a program is missing, before anything is run")
    func missing() async throws {
        let folder = try TemporaryDirectory()
        let server = try await start([
            "--faults", "kill-server", "--strategies", "lua-atomic", "--server-binary", folder.file("none"),
            "--output", folder.file("out"),
        ])
        #expect(await server.waitUntilExit() == .exited(6))
        let redis = try await start(
            ["--faults", "none", "--level", "strategy", "--output", folder.file("out")],
            environment: ["REDIS_BIN": folder.file("no-redis")])
        #expect(await redis.waitUntilExit() == .exited(6))
        #expect(redis.lines().joined().contains("redis-server"))
        // The directory of Redis alone: no compiler.
        let tools = folder.file("bin")
        try FileManager.default.createDirectory(atPath: tools, withIntermediateDirectories: true)
        let found = try #require(Executable.find("redis-server"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(tools)/redis-server", withDestinationPath: found)
        let shim = try await start(
            ["--faults", "clock-jump", "--level", "strategy", "--output", folder.file("out")],
            environment: ["PATH": tools])
        #expect(await shim.waitUntilExit() == .exited(6), "\(shim.lines())")
        #expect(shim.lines().joined().contains("C compiler"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
    }

    @Test("keeps the cells that are done when somebody ends it, and leaves no process")
    func interrupted() async throws {
        let folder = try TemporaryDirectory()
        let child = try await start([
            "--strategies", "lua-atomic,sharded,redlock", "--faults", "none,pause-redis", "--level",
            "strategy",
            "--output", folder.file("out"),
        ])
        let line = await child.line(within: .seconds(60)) { $0.hasPrefix("[1/") }
        #expect(line != nil)
        try await Task.sleep(for: .milliseconds(1_500))
        let below = ProcessTree.descendants(of: child.processIdentifier)
        #expect(!below.isEmpty)
        child.signal(SIGINT)
        #expect(await child.waitUntilExit() == .exited(130), "\(child.lines())")
        for process in below { #expect(ProcessTree.isGone(process), "\(process) goes on") }
        let results = try FaultResults.decode(
            try Data(contentsOf: URL(filePath: folder.file("out/faults.json"))))
        #expect(results.run.status == .interrupted)
        #expect(results.cells.count >= 1 && results.cells.count + results.notRun == 6)
        #expect(results.cells.allSatisfy { $0.verdict == .safe })
    }

    @Test("ends with its budget, and with 5, because cells were not run")
    func outOfTime() async throws {
        let folder = try TemporaryDirectory()
        let child = try await start([
            "--strategies", "lua-atomic,sharded", "--faults", "none,delay,jitter", "--level", "strategy",
            "--budget", "8s", "--output", folder.file("out"), "--json",
        ])
        #expect(await child.waitUntilExit() == .exited(5))
        let printed = Data(child.lines(of: .standardOutput).joined(separator: "\n").utf8)
        let results = try FaultResults.decode(printed)
        #expect(results.run.status == .outOfTime && results.notRun > 0 && !results.cells.isEmpty)
    }
}
