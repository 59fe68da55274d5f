import BenchModel
import BenchReports
import BenchResults
import Foundation
import LabProcesses
import Testing

/// Real processes: lab-bench, lab-server, redis-server.
@Suite("lab-bench run --fault", .serialized, .timeLimit(.minutes(5)))
struct StruckRunTests {
    private func run(_ fault: String, _ strategies: String) async throws -> (RunResults, String) {
        let folder = try TemporaryDirectory()
        let child = try await ChildProcess.start(
            try RunCommandTests.program("lab-bench"),
            [
                "run", "--fault", fault, "--at", "1", "--for", "0.8", "--strategies", strategies, "--model",
                "closed", "--users", "10", "--duration", "6", "--warmup", "0.5", "--rounds", "1",
                "--output",
                folder.file("out"),
            ])
        let end = await child.waitUntilExit()
        #expect(RunCommandTests.goodEnds.contains(end), "\(child.lines())")
        let page = try String(contentsOfFile: folder.file("out/report.html"), encoding: .utf8)
        return (try ResultsFile.read(folder.file("out")), page)
    }

    @Test("keeps the stock exact through a stop of Redis, and shows the stop and the recovery")
    func pausedRedis() async throws {
        let (results, page) = try await run("pause-redis", "lua-atomic,setnx-notify")
        #expect(results.workload.fault == "pause-redis" && results.workload.faultForSeconds == 0.8)
        RunCommandTests().expectExact(results)
        for trial in results.trials where !trial.isControl {
            let struck = try #require(trial.struck)
            // The window begins when it was meant to.
            #expect(abs(struck.struckMs - 1_500) < 400 && struck.healedMs - struck.struckMs >= 800)
            #expect(struck.beforePerSecond > 0 && (struck.availability ?? 1) < 0.5)
            #expect(struck.recoveryMs != nil)
            #expect((struck.p99DuringUs ?? 0) > 500_000)
            #expect(trial.checks.first { $0.id == "stationary" }?.state != .fail)
        }
        #expect(results.trials.filter(\.isControl).allSatisfy { $0.struck == nil })
        #expect(results.strategies.allSatisfy { !$0.isRanked })
        #expect(page.contains("All strategies through pause-redis") && page.contains("band fault"))
        #expect(page.contains("Under the fault"))
    }

    @Test("kills the server, which comes back at its address with every acknowledged purchase")
    func killedServer() async throws {
        let (results, _) = try await run("kill-server", "lua-atomic")
        RunCommandTests().expectExact(results)
        let struck = try #require(results.trials.first { !$0.isControl }?.struck)
        #expect(struck.recoveryMs != nil && (struck.availability ?? 1) < 0.5)
    }
}
