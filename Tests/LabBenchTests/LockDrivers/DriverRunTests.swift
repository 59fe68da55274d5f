import BenchResults
import Foundation
import LabProcesses
import Testing

@testable import BenchRun

/// Real processes: lab-bench with drivers.
@Suite("lab-bench run --driver", .serialized, .timeLimit(.minutes(5)))
struct DriverRunTests {
    private func run(
        _ arguments: [String], seconds: Double = 0.5
    ) async throws -> (end: LabProcesses.ExitStatus, lines: [String]) {
        let mark = ProcessMark()
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"),
            [
                "run", "--model", "closed", "--users", "8", "--duration", "\(seconds)", "--warmup", "0.2",
                "--rounds", "1",
            ]
                + ["--no-ceilings", "--strategies", "setnx-spin"] + arguments,
            environment: mark.environment)
        let end = await child.waitUntilExit()
        #expect(await mark.left == [])
        return (end, child.lines())
    }

    private func results(_ folder: String) throws -> RunResults {
        try ResultsFile.read("\(folder)/results.json")
    }

    @Test(
        "measures a driver beside the strategies, with the cost of the pipe",
        arguments: ["strategy", "direct"])
    func measured(mode: String) async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(to: folder)
        let out = folder.file("out")
        let (end, lines) = try await run(
            ["--mode", mode, "--driver", "thirty=python3 '\(driver)'", "--output", out])
        #expect(RunCommandTests.goodEnds.contains(end), "\(lines)")
        let results = try results(out)
        let own = try #require(results.strategies.first { $0.id == "thirty" })
        #expect((own.measured["success"] ?? 0) > 0 && !own.isViolated)
        #expect(results.systemUnderTest.drivers?.map(\.name) == ["thirty lines"])
        #expect((results.systemUnderTest.driverPipe?.perOperationUs ?? 0) > 0)
        let trial = try #require(results.trials.first { $0.strategy == "thirty" })
        #expect(trial.checks.first { $0.id == "holds-overlap" }?.state == .pass)
        let report = try String(contentsOfFile: "\(out)/LOAD_TEST_RESULT.md", encoding: .utf8)
        #expect(report.contains("## Drivers") && report.contains("µs an operation with 100 requests open"))
        #expect(try await SchemaJudge.complaints(try results.json(), schema: "results") == [])
    }

    @Test("catches a driver whose processes do not exclude each other")
    func caught() async throws {
        let folder = try TemporaryDirectory()
        // Every process has a key of its own.
        let driver = try DriverPage.write(
            to: folder, change: ("redis(\"SET\", key,", "redis(\"SET\", key + str(os.getpid()),"))
        let out = folder.file("out")
        let (end, lines) = try await run(
            ["--mode", "strategy", "--driver", "wrong=python3 '\(driver)'", "--output", out],
            // Python needs most of half a second to start on a busy machine.
            seconds: 2)
        #expect(end == .exited(4), "\(lines)")
        let results = try results(out)
        #expect(results.strategies.first { $0.id == "wrong" }?.isViolated == true)
        #expect(results.strategies.first { $0.id == "setnx-spin" }?.isViolated == false)
    }

    @Test(
        "refuses a driver that cannot be used with 64 and one sentence, before anything is measured",
        arguments: [
            (["--mode", "strategy", "--driver", "x"], "--driver must be NAME=COMMAND"),
            (["--mode", "strategy", "--driver", "X=true"], "cannot be called \"X\""),
            (["--mode", "strategy", "--driver", "x="], "its command is empty"),
            (["--mode", "strategy", "--driver", "x='a"], "the quote ' is not closed"),
            (["--mode", "strategy", "--driver", "x=true"], "ended with exit code 0 before its hello"),
            (["--mode", "strategy", "--driver", "redlock=true"], "a strategy \"redlock\" already"),
            (["--mode", "strategy", "--driver", "x=true", "--driver", "x=true"], "a strategy \"x\" already"),
            (["--driver", "x=true"], "--driver is for --mode strategy or direct"),
        ])
    func refused(arguments: [String], sentence: String) async throws {
        let folder = try TemporaryDirectory()
        let (end, lines) = try await run(arguments + ["--output", folder.file("out")])
        #expect(end == .exited(64))
        #expect(lines.count == 1 && lines[0].contains(sentence), "\(lines)")
        #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
    }

    @Test("keeps what a driver logs, and says why a run with one that dies proves nothing")
    func dies() async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(
            to: folder,
            change: (
                "    token, until =",
                "    if own.__dict__.setdefault(\"count\", 0) == 3: print(\"out of luck\", file=sys.stderr), os._exit(9)\n"
                    + "    own.count += 1\n    token, until ="
            ))
        let out = folder.file("out")
        let (end, lines) = try await run(
            ["--mode", "strategy", "--driver", "mortal=python3 '\(driver)'", "--output", out])
        #expect(end == .exited(5) || end == .exited(3), "\(lines)")
        #expect(lines.contains { $0.contains("the driver ended with exit code 9, and ") })
        let results = try results(out)
        let trial = try #require(results.trials.first { $0.strategy == "mortal" })
        #expect(
            trial.checks.contains { $0.value.contains("the driver ended with exit code 9") },
            "\(trial.checks)")
        let log = try String(contentsOfFile: "\(out)/drivers/mortal.log", encoding: .utf8)
        #expect(log.contains("out of luck"))
    }
}
