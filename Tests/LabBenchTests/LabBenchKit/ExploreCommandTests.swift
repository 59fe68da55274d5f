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
        #expect(text.contains("6 cells, 40 schedules each, seed 7"))
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

    @Test("goes through all orders of a small world, and names the cells of its trace")
    func all() async throws {
        let (end, lines) = try await run([
            "--strategies", "lua-atomic,setnx-spin,unguarded", "--faults", "none", "--order", "all",
        ])
        #expect(end == .exited(0), "\(lines)")
        #expect(lines.count { $0.contains("held in all") } == 2, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("trace of the 3 cells that no violation ends: ") }, "\(lines)")
    }

    @Test("says the chance of PCT where every schedule was played, and only there")
    func chance() async throws {
        let arguments = [
            "--strategies", "lua-atomic", "--faults", "none", "--level", "strategy", "--seed", "1",
            "--schedules", "60",
        ]
        let (_, both) = try await run(arguments)
        #expect(
            both.contains { $0.hasPrefix("pct's chance of a bug that needs 2 steps in order: at least ") })
        #expect(both.contains("  (lua-atomic under none, the worst cell)"))
        #expect(both.allSatisfy { $0.count <= 100 }, "\(both)")
        let (_, uniform) = try await run(arguments + ["--order", "uniform"])
        #expect(!uniform.contains { $0.contains("pct") })
    }

    @Test(
        "refuses what cannot be with 64, in one line",
        arguments: [
            ["--faults", "gremlins"], ["--strategies", "sql-row", "--level", "strategy"],
            ["--strategies", "pg-advisory"],
            ["--seed", "seven"],
            ["--level", "shop"], ["--level", "service", "--order", "all"],
            ["--level", "strategy", "--faults", "kill-server"],
            ["--level", "service", "--faults", "kill-buyer"],
            ["--seed", "18446744073709551615"],
            ["--strategies", "lua-atomic", "--faults", "node-down"], ["--schedules", "0"], ["--for", "soon"],
            ["--schedules", "5", "--for", "5s"], ["--order", "random"],
            ["--order", "all", "--faults", "jitter"], ["--replay", "/nowhere/story.json"],
            ["--replay", "/nowhere/story.json", "--seed", "1"], ["--output", "/dev/null/out"],
        ])
    func usage(_ arguments: [String]) async throws {
        let (end, lines) = try await run(arguments)
        #expect(end == .exited(64))
        #expect(lines.count == 1, "\(lines)")
    }
}
