import BenchModel
import BenchResults
import BenchStatistics
import Foundation
import LabProcesses
import Testing

/// Real servers in turn, as CI compares them. A debug build is never judged by the command, so the two
/// results are judged here as if they were of release builds.
@Suite("lab-bench compare --paired", .serialized, .timeLimit(.minutes(10)))
struct PairedCommandTests {
    private static func program(_ name: String) throws -> String {
        let tests = try #require(Executable.current())
        return (tests as NSString).deletingLastPathComponent + "/\(name)"
    }

    private func compare(_ new: String, rounds: Int) async throws -> Comparison {
        let directory = try TemporaryDirectory()
        let child = try await ChildProcess.start(
            try Self.program("lab-bench"),
            [
                "compare", "--paired", try Self.program("lab-server"), new, "--strategies", "lua-atomic",
                "--users", "16", "--duration", "0.4", "--warmup", "0.1", "--rounds", "\(rounds)", "--seed",
                "1",
                "--output", directory.file("out"),
            ])
        let status = await child.waitUntilExit()
        // 5: no release build. 3: too busy a machine, which the command has to say first.
        let ends: [LabProcesses.ExitStatus] = [.exited(5), .exited(3)]
        #expect(ends.contains(status), "\(child.lines().joined(separator: "\n"))")
        var both = try ["base", "new"].map { try ResultsFile.read(directory.file("out/\($0)")) }
        directory.remove()
        for index in both.indices {
            let real = both[index].trials.filter { !$0.isControl }
            // A busy machine may have spoilt some.
            #expect(real.count + (both[index].spoilt ?? []).count { $0.isLeftOut } == rounds)
            #expect(!real.contains { !$0.violations.isEmpty })
            #expect(both[index].controls.first?.isCaught == true)
            both[index].env.buildMode = "release"
            // What a busy machine spoils is no matter of the comparison.
            both[index].verdict.exit = .good
            for strategy in both[index].strategies.indices {
                both[index].strategies[strategy].targets = []
            }
        }
        var thresholds = Thresholds()
        thresholds.noiseFloorPercent = 30
        thresholds.regressionPercent = 30
        return Comparison(base: both[0], new: both[1], thresholds: thresholds)
    }

    @Test("finds a server that sells much less")
    func slower() async throws {
        let directory = try TemporaryDirectory()
        // The same server, which was changed to wait 5 ms between its tries for a lock that it did not need
        // before.
        let script = directory.file("lab-server")
        let text = """
            #!/bin/bash
            exec "\(try Self.program("lab-server"))" "${@/#lua-atomic/setnx-spin}"

            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        // A busy machine can hide a difference, not make one up; it does not hide it four times.
        var words: [Judgement.Word] = []
        repeat {
            let comparison = try await compare(script, rounds: 5)
            let sales = try #require(comparison.judgements.first { $0.figure == .purchasesPerSecond })
            words.append(sales.word)
            #expect(sales.word != .faster, "\(comparison)")
            if sales.word == .slower { #expect(comparison.exit == .regression) }
        } while words.last != .slower && words.count < 4
        #expect(words.last == .slower, "\(words)")
        directory.remove()
    }

    @Test(
        "raises no alarm between a server and its copy", .enabled(if: isLong, "LAB_LONG_TESTS=1 runs it"))
    func equal() async throws {
        // A busy machine can leave it open, but not raise an alarm; it does not leave it open four times.
        var exits: [BenchExit] = []
        repeat {
            let comparison = try await compare(try Self.program("lab-server"), rounds: 7)
            #expect(!comparison.judgements.isEmpty)
            #expect(
                comparison.judgements.allSatisfy { $0.word != .slower && $0.word != .faster }, "\(comparison)"
            )
            exits.append(comparison.exit)
        } while exits.last == .inconclusive && exits.count < 4
        #expect(exits.last == .good, "\(exits)")
    }
}
