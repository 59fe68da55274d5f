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

    @Test(
        "says before it measures that too few open files are allowed, and raises what it may",
        arguments: ["--mode direct", "--mode http", "--mode direct --users 3"])
    func openFiles(mode: String) async throws {
        let directory = try TemporaryDirectory()
        let out = directory.file("out")
        let run = Self.run.replacing("--mode direct", with: mode).replacing("--users 4 ", with: "")
        let (status, complaints) = try await shell("ulimit -n 40; \"$0\" \(run) --output \(out)")
        #expect(status == .exited(BenchExit.usage.rawValue))
        #expect(complaints.contains { $0.contains("open files, and the system allows 40") }, "\(complaints)")
        #expect(!FileManager.default.fileExists(atPath: out))
        let (raised, said) = try await shell("ulimit -Sn 40; \"$0\" \(run) --output \(out)")
        let json = try #require(FileManager.default.contents(atPath: out + "/results.json"), "\(said)")
        #expect(raised == .exited(try RunResults.decode(json).verdict.exit.rawValue))
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

    @Test("refuses files that it could not write in the end, before it measures")
    func earlyRefusal() async throws {
        for option in ["--markdown", "--bmf"] {
            let (status, complaints) = try await shell(
                "\"$0\" compare --paired /bin/true /bin/true \(option) /nowhere/file --rounds 1 --duration 60"
            )
            #expect(status == .exited(BenchExit.usage.rawValue))
            #expect(complaints == ["lab-bench: /nowhere/file cannot be written: No such file or directory"])
        }
    }

    @Test("lets one run write to a directory, and gives runs of the same second directories of their own")
    func twoRuns() async throws {
        let directory = try TemporaryDirectory()
        let line =
            "cd \(directory.path); \"$0\" \(Self.run) OUT >/dev/null & \"$0\" \(Self.run) OUT >/dev/null; wait"
        let (_, complaints) = try await shell(line.replacing("OUT", with: "--output out"))
        #expect(complaints.filter { $0.contains("another run writes to out") }.count == 1, "\(complaints)")
        _ = try await shell(line.replacing("OUT", with: ""))
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.file("results"))
        #expect(names.count == 2, "\(names)")
        for name in names {
            #expect(FileManager.default.fileExists(atPath: directory.file("results/\(name)/results.json")))
        }
        directory.remove()
    }

    @Test("sends no escape sequences to a terminal that knows none", arguments: ["TERM=dumb", "-u TERM"])
    func dumbTerminal(variable: String) async throws {
        let directory = try TemporaryDirectory()
        let command = "$0 \(Self.run) --output \(directory.file("out"))"
        let child = try await ChildProcess.start(
            "/bin/bash",
            [
                "-c", "env \(variable) script -qec \"\(command)\" /dev/null",
                try BuiltProgram.path("lab-bench"),
            ])
        _ = await child.waitUntilExit()
        let text = child.lines(of: .standardOutput).joined(separator: "\n")
        #expect(text.contains("lua-atomic"), "\(child.lines())")
        #expect(!text.contains("\u{1B}"))
        directory.remove()
    }

    @Test("compares results with numbers that no integer holds")
    func hugeNumbers() async throws {
        let directory = try TemporaryDirectory()
        let (base, new) = (directory.file("a.json"), directory.file("b.json"))
        try ComparisonTests.results(delay: 1, seed: 1).json().write(to: URL(fileURLWithPath: base))
        let results = String(decoding: try ComparisonTests.results(delay: 1, seed: 2).json(), as: UTF8.self)
        let huge = results.replacing(/"(median|purchases_per_second|p95)" ?: ?[0-9.]+/) { match in
            "\"\(match.output.1)\":1e300"
        }
        #expect(huge != results)
        try huge.write(toFile: new, atomically: true, encoding: .utf8)
        let (status, complaints) = try await shell("\"$0\" compare \(base) \(new) >/dev/null")
        guard case .exited = status else {
            Issue.record("\(String(describing: status)) \(complaints)")
            return
        }
        #expect(Text.number(1e300) == "1e+300" && Text.number(-1e300) == "-1e+300")
        #expect(Text.plain(1e300) == "1e+300" && Text.number(999_999_999_999_999) == "999,999,999,999,999")
        directory.remove()
    }
}
