import BenchModel
import BenchResults
import FaultAudit
import Foundation
import LabProcesses
import LockStrategies
import Testing

/// The program of `Examples/my-lock`: real processes and Redis.
@Suite("A bench with a lock of its own", .serialized, .timeLimit(.minutes(5)))
struct OwnBenchTests {
    private struct Ended {
        let exit: LabProcesses.ExitStatus
        let output: [String]
        let errors: [String]
    }

    private func run(_ arguments: [String]) async throws -> Ended {
        let mark = ProcessMark()
        let child = try await ChildProcess.start(
            try RunCommandTests.program("my-lock"), arguments, environment: mark.environment)
        let end = await child.waitUntilExit()
        #expect(await mark.left == [])
        return Ended(
            exit: end, output: child.lines(of: .standardOutput), errors: child.lines(of: .standardError))
    }

    @Test("lists the lock behind the built-in strategies, and goes by its own name")
    func listed() async throws {
        let list = try await run(["strategies"])
        #expect(list.exit == .exited(0))
        let builtIn = StrategyRegistry.builtIn.entries.count
        #expect(list.output.count == builtIn + 1 && list.output.last?.hasPrefix("my-lock ") == true)
        let help = try await run(["faults", "--help"])
        #expect(help.output.contains { $0.contains("USAGE: my-lock faults ") }, "\(help.output)")
        let refused = try await run(["faults", "--strategies", "your-lock", "--output", "/nowhere"])
        #expect(refused.exit == .exited(64))
        #expect(refused.errors.count == 1 && refused.errors[0].hasPrefix("my-lock: "), "\(refused.errors)")
    }

    @Test("holds the lock to every clause")
    func conformance() async throws {
        let folder = try TemporaryDirectory()
        let ended = try await run([
            "conformance", "--strategies", "my-lock", "--at-once", "8", "--output", folder.file("out"),
        ])
        #expect(ended.exit == .exited(0), "\(ended.output) \(ended.errors)")
        let results = try ConformanceResults.decode(
            try Data(contentsOf: URL(filePath: folder.file("out/conformance.json"))))
        #expect(results.run.command == "my-lock conformance --strategies my-lock")
        let skipped = results.findings.filter { $0.verdict == .notApplicable }.map(\.clause)
        #expect(skipped == ["wall-clock", "quorum", "fences"])
        #expect(results.count(.pass) == results.clauses.count - 3)
    }

    @Test("sells under the lock beside a built-in one, and oversells nothing")
    func measured() async throws {
        let folder = try TemporaryDirectory()
        let ended = try await run([
            "run", "--mode", "strategy", "--strategies", "my-lock,setnx-spin", "--model", "closed",
            "--users", "8", "--duration", "0.5", "--warmup", "0.2", "--rounds", "1", "--no-ceilings",
            "--quiet", "--output", folder.file("out"),
        ])
        #expect(RunCommandTests.goodEnds.contains(ended.exit), "\(ended.output) \(ended.errors)")
        let results = try ResultsFile.read(folder.file("out"))
        let own = try #require(results.strategies.first { $0.id == "my-lock" })
        #expect(own.stockWord == "exact")
        #expect((own.measured["success"] ?? 0) > 0)
    }

    @Test("breaks the lock in worker processes, which are the same program")
    func faults() async throws {
        let folder = try TemporaryDirectory()
        let ended = try await run([
            "faults", "--strategies", "my-lock", "--faults", "kill-buyer,slow-holder", "--level",
            "strategy", "--output", folder.file("out"),
        ])
        #expect(ended.exit == .exited(0), "\(ended.output) \(ended.errors)")
        let data = try Data(contentsOf: URL(filePath: folder.file("out/faults.json")))
        #expect(try await SchemaJudge.complaints(data, schema: "faults") == [])
        let results = try FaultResults.decode(data)
        #expect(results.cells.map(\.expected) == [.safe, .unknown])
        #expect(results.cells.first?.verdict == .safe)
        #expect(results.cells.last?.judgement == .seen)
        #expect(results.cells.first?.command.hasPrefix("my-lock faults --level strategy") == true)
    }

    @Test(
        "says in one sentence where the lock cannot be measured, and ends with 64",
        arguments: [
            (["run", "--strategies", "my-lock"], "a lab-server does not know my-lock"),
            (["run"], "a lab-server does not know my-lock"),
            (
                ["faults", "--level", "service", "--strategies", "my-lock"],
                "a lab-server does not know my-lock"
            ),
            (["explore", "--strategies", "my-lock"], "unknown strategy \"my-lock\""),
            (["conformance", "--strategies", "my-lok"], "did you mean my-lock?"),
        ])
    func refused(arguments: [String], sentence: String) async throws {
        let ended = try await run(arguments)
        #expect(ended.exit == .exited(64))
        #expect(ended.errors.count == 1 && ended.errors[0].contains(sentence), "\(ended.errors)")
    }

    @Test("takes less than sixty lines, and imports what its package names")
    func example() throws {
        let place = DriverPage.root + "/Examples/my-lock"
        let files = try FileManager.default.contentsOfDirectory(atPath: place + "/Sources/my-lock")
        let texts = try files.map {
            try String(contentsOfFile: "\(place)/Sources/my-lock/\($0)", encoding: .utf8)
        }
        let lines = texts.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
        #expect((30..<60).contains(lines.count))
        let manifest = try String(contentsOfFile: place + "/Package.swift", encoding: .utf8)
        #expect(manifest.contains(".package(name: \"lock-strategy-lab\", path: \"../..\")"))
        // RedisClient is in the product LockStrategies.
        let products = Set(manifest.matches(of: /product\(name: "(\w+)"/).map { String($0.1) })
        let imports = Set(lines.filter { $0.hasPrefix("import ") }.map { String($0.dropFirst(7)) })
        #expect(imports == products.union(["RedisClient"]))
    }
}
