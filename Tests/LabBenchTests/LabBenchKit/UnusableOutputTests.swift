import BenchModel
import BenchResults
import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import LabBenchKit

/// The reader of a pipe that stops reading, and a disk that is full.
@Suite("lab-bench whose output cannot be written", .timeLimit(.minutes(5)))
struct UnusableOutputTests {
    private static let run =
        "run --mode direct --strategies lua-atomic --users 4 --model closed --rounds 1 --warmup 0 --duration 0.3"
        + " --no-ceilings"

    private func shell(_ line: String) async throws -> (LabProcesses.ExitStatus?, [String]) {
        let child = try await ChildProcess.start(
            "/bin/bash", ["-c", line, try BuiltProgram.path("lab-bench")])
        let status = await child.waitUntilExit()
        return (status, child.lines(of: .standardError))
    }

    @Test(
        "ends a run with its verdict, and keeps the results",
        arguments: [
            "\"$0\" \(run) --output OUT >/dev/full", "\"$0\" \(run) --output OUT >&-",
            "\"$0\" \(run) --output OUT | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}",
            "\"$0\" \(run) --output OUT >/dev/full 2>/dev/full <&-",
        ])
    func keepsResults(line: String) async throws {
        let directory = try TemporaryDirectory()
        let (status, complaints) = try await shell(line.replacing("OUT", with: directory.file("out")))
        let json = try #require(
            FileManager.default.contents(atPath: directory.file("out/results.json")), "\(complaints)")
        let results = try RunResults.decode(json)
        #expect(status == .exited(results.verdict.exit.rawValue), "\(complaints)")
        #expect(FileManager.default.fileExists(atPath: directory.file("out/report.html")))
        directory.remove()
    }

    @Test("says that the results could not be printed, and where they stand")
    func json() async throws {
        let directory = try TemporaryDirectory()
        let out = directory.file("out")
        let (status, complaints) = try await shell("\"$0\" \(Self.run) --json --output \(out) >/dev/full")
        #expect(status == .exited(BenchExit.usage.rawValue))
        #expect(complaints.contains { $0.contains("No space left on device; they stand in \(out)") })
        #expect(FileManager.default.fileExists(atPath: out + "/results.json"))
        directory.remove()
    }

    @Test("says that a comparison could not be printed")
    func comparison() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("a.json")
        try ComparisonTests.results(delay: 1, seed: 1).json().write(to: URL(fileURLWithPath: path))
        let (status, complaints) = try await shell("\"$0\" compare \(path) \(path) >/dev/full")
        #expect(status == .exited(BenchExit.usage.rawValue))
        #expect(complaints.contains { $0.contains("the comparison cannot be written: No space left") })
        directory.remove()
    }
}
