import BenchModel
import Foundation
import LabProcesses
import Testing

/// The real program: `lab-bench explore`.
@Suite("lab-bench explore", .timeLimit(.minutes(3)))
struct ExploreCommandTests {
    private func run(_ arguments: [String]) async throws -> (end: LabProcesses.ExitStatus, lines: [String]) {
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"), ["explore"] + arguments,
            environment: ProcessInfo.processInfo.environment)
        let end = await child.waitUntilExit()
        return (end, child.lines())
    }

    @Test("holds the control violated and lua-atomic safe, and prints the seed")
    func good() async throws {
        let (end, lines) = try await run([
            "--strategies", "unguarded,lua-atomic", "--faults", "none,kill-buyer", "--schedules", "40",
            "--seed", "7",
        ])
        #expect(end == .exited(0), "\(lines)")
        let text = lines.joined(separator: "\n")
        #expect(text.contains("4 cells, 40 schedules each, seed 7"))
        #expect(text.contains("held in 40 schedules") && text.contains("violated as theory says"))
        #expect(text.contains("all as theory says"))
    }

    @Test("prints the same trace for the same seed, in two processes")
    func sameTrace() async throws {
        let arguments = [
            "--strategies", "setnx-notify,sharded", "--faults", "none,reset", "--schedules", "60", "--seed",
            "3",
        ]
        let traces = [try await run(arguments), try await run(arguments)].map { result in
            result.lines.filter { $0.hasPrefix("trace of") }
        }
        #expect(traces[0].count == 1 && traces[0] == traces[1])
    }

    @Test("tells a violation in a few steps")
    func story() async throws {
        let (end, lines) = try await run([
            "--strategies", "setnx-spin", "--faults", "slow-holder", "--schedules", "200", "--seed", "1",
            "--story",
        ])
        #expect(end == .exited(0))
        #expect(lines.contains { $0.contains("is inside") } && lines.contains { $0.contains("=> ") })
    }

    @Test("goes through all orders of a small world")
    func all() async throws {
        let (end, lines) = try await run([
            "--strategies", "lua-atomic,setnx-spin", "--faults", "none", "--order", "all",
        ])
        #expect(end == .exited(0), "\(lines)")
        #expect(lines.count { $0.contains("held in all") } == 2, "\(lines)")
    }

    @Test(
        "refuses what cannot be with 64, in one line",
        arguments: [
            ["--faults", "gremlins"], ["--strategies", "sql-row"], ["--seed", "seven"],
            ["--seed", "18446744073709551615"],
            ["--strategies", "lua-atomic", "--faults", "node-down"], ["--schedules", "0"], ["--for", "soon"],
            ["--schedules", "5", "--for", "5s"], ["--order", "random"],
            ["--order", "all", "--faults", "jitter"],
        ])
    func usage(_ arguments: [String]) async throws {
        let (end, lines) = try await run(arguments)
        #expect(end == .exited(64))
        #expect(lines.count == 1, "\(lines)")
    }
}
