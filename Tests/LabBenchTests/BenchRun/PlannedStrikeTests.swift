import BenchModel
import FaultInjection
import Testing

@testable import BenchRun

@Suite("A fault in the middle of a run")
struct PlannedStrikeTests {
    private func plan(_ change: (inout RunOptions) -> Void) throws(PlanProblems) -> RunPlan {
        var options = RunOptions(strategies: "lua-atomic,redlock")
        change(&options)
        return try RunPlan(options, seed: 1)
    }

    @Test("strikes a third into the window, for a second, unless something else is said")
    func usual() throws {
        let usual = try plan { $0.fault = "pause-redis" }
        #expect(usual.strike?.fault == .pauseRedis && usual.strike?.lasts == .seconds(1))
        #expect(usual.strike.map { abs($0.at / .seconds(1) - 7.0 / 3) < 1e-9 } == true)
        #expect(usual.whyNothingIsRanked?.contains("pause-redis") == true)
        #expect(!usual.hasCeilings)
        #expect(usual.command.contains("--fault pause-redis --at 2.33") && usual.command.contains("--for 1"))
        let named = try plan {
            ($0.fault, $0.at, $0.lasts, $0.duration) = ("jitter", 2, 3, 10)
        }
        #expect(named.strike?.at == .seconds(2) && named.strike?.lasts == .seconds(3))
        let shared = try plan { ($0.fault, $0.servers) = ("pause-postgres", 2) }
        #expect(shared.strike?.fault == .pausePostgres && shared.database == .postgres)
        #expect(shared.command.contains("--servers 2") && shared.command.contains("--fault pause-postgres"))
    }

    @Test("is refused where it cannot be, in one sentence each")
    func refused() {
        let cases: [((inout RunOptions) -> Void, String)] = [
            ({ $0.fault = "pause-reds" }, "did you mean pause-redis"),
            ({ $0.fault = "disk-full" }, "cannot strike a run"),
            ({ $0.fault = "node-down" }, "cannot strike lua-atomic"),
            ({ ($0.fault, $0.mode) = ("delay", "direct") }, "--mode http"),
            ({ ($0.fault, $0.redis) = ("delay", "redis://127.0.0.1:1") }, "leave out --redis"),
            ({ ($0.fault, $0.sweep) = ("delay", "users") }, "leave out --sweep"),
            ({ ($0.fault, $0.isQuick) = ("delay", true) }, "leave out --quick"),
            ({ ($0.fault, $0.at) = ("delay", 6.8) }, "does not fit into 7 s"),
            ({ ($0.fault, $0.at) = ("delay", 0.1) }, "half a second"),
            ({ ($0.fault, $0.lasts) = ("delay", 0) }, "does not fit"),
            ({ ($0.fault, $0.lasts) = ("delay", .nan) }, "does not fit"),
            ({ $0.fault = "pause-postgres" }, "add --database postgres, or --servers 2"),
            ({ ($0.fault, $0.servers) = ("lose-server", 2) }, "cannot strike a run"),
            ({ $0.at = 3 }, "--at is for --fault"), ({ $0.lasts = 3 }, "--for is for --fault"),
        ]
        for (change, words) in cases {
            do {
                _ = try plan(change)
                Issue.record("nothing was said about \(words)")
            } catch {
                #expect(error.sentences.contains { $0.contains(words) }, "\(error.sentences)")
            }
        }
    }
}
