import BenchModel
import BenchResults
import BenchRun
import FaultInjection
import FaultLab
import LabTesting
import LockStrategies
import Testing

@testable import LabBenchKit

@Suite("What lab-bench faults is asked for")
struct FaultPlanTests {
    private func plan(
        _ strategies: String? = nil, _ faults: String? = nil, level: String? = nil, seeds: Int = 1,
        budget: String? = nil, servers: Int = 1
    ) throws(BenchError) -> FaultPlan {
        try FaultPlan(
            strategies: strategies, faults: faults, level: level, seed: 1, seeds: seeds, budget: budget,
            servers: servers)
    }

    @Test("is everything, unless something is named, and its command asks for the same again")
    func everything() throws {
        let all = try plan()
        #expect(all.faults == Fault.allCases.filter { !$0.isOfSeveralServers })
        #expect(all.levels == FaultLevel.allCases && all.servers == 1)
        #expect(all.budget == all.matrix.expectedTime * 2)
        let some = try plan(
            "redlock, fenced,redlock", "node-down", level: "strategy", seeds: 2, budget: "90s")
        #expect(some.strategies.map(\.name) == ["redlock", "fenced"])
        #expect(some.matrix.cells.count == 2 && some.budget == .seconds(90))
        #expect(
            some.command
                == "lab-bench faults --strategies redlock,fenced --faults node-down --level strategy --seed 1 --seeds 2 --budget 90s"
        )
    }

    @Test("is the service alone with several servers, whose ledger is on PostgreSQL")
    func servers() throws {
        let all = try plan("lua-atomic", servers: 2)
        #expect(all.faults == Fault.allCases && all.levels == [.service])
        let struck = Set(all.matrix.cells.map(\.fault))
        #expect(
            struck.isSuperset(of: [
                .pauseBuyer, .killServer, .loseServer, .halfOpen, .cutPostgres, .pausePostgres, .killBackend,
                .killPostgres,
            ]))
        #expect(struck.isDisjoint(with: [.powerCut, .diskFull, .slowHolder, .killBuyer]))
        #expect(all.matrix.cells.allSatisfy { $0.servers == 2 })
        #expect(all.command == "lab-bench faults --strategies lua-atomic --servers 2 --seed 1")
        let one = try plan("lua-atomic", "lose-server", level: "service", servers: 2)
        #expect(one.matrix.cells.count == 1)
    }

    @Test("is the drivers alone, where nobody names a strategy beside them")
    func drivers() throws {
        let mine = try PlannedDriver.named("mine=true")
        func plan(_ strategies: String? = nil, mustHold: String? = nil) throws(BenchError) -> FaultPlan {
            try FaultPlan(
                strategies: strategies, faults: "none,kill-buyer", level: "strategy", seed: 1, seeds: 1,
                budget: nil, drivers: [mine], mustHold: mustHold)
        }
        let alone = try plan(mustHold: "none")
        #expect(alone.strategies.map(\.name) == ["mine"])
        #expect(alone.matrix.cells.map(\.expected) == [.safe, .unknown])
        #expect(
            alone.command
                == "lab-bench faults --driver mine=COMMAND --must-hold none --faults none,kill-buyer --level strategy --seed 1"
        )
        #expect(try plan("fenced").strategies.map(\.name) == ["fenced", "mine"])
        #expect(throws: BenchError.self) { try plan(mustHold: "nothing") }
        #expect(throws: BenchError.self) {
            try FaultPlan(
                strategies: nil, faults: nil, level: nil, seed: 1, seeds: 1, budget: nil, mustHold: "none")
        }
    }

    @Test("takes strategies of one's own, of which theory demands no violation, at the level of the strategy")
    func own() throws {
        let known = try StrategyRegistry.builtIn.adding([.foreign])
        let mine = try LabBench.$strategies.withValue(known) {
            try LabBench.$name.withValue("my-bench") {
                try plan("foreign-lock", "none,slow-holder,script-flush")
            }
        }
        #expect(mine.matrix.cells.map(\.level) == [.strategy, .strategy, .strategy])
        #expect(mine.matrix.cells.map(\.expected) == [.safe, .unknown, .safe])
        #expect(
            Set(mine.matrix.notApplicable.map(\.why)) == ["a lab-server does not know foreign-lock"])
        #expect(mine.command.hasPrefix("my-bench faults --strategies foreign-lock "))
        #expect(throws: BenchError.self) { try plan("foreign-lock", "none") }
    }

    @Test("is refused in one sentence that says what to do")
    func refused() {
        let cases: [(() throws -> FaultPlan, String)] = [
            ({ try plan(nil, "slow-holdr") }, "did you mean slow-holder"),
            ({ try plan("redlok") }, "did you mean redlock"),
            ({ try plan("lua-atomic", "node-down") }, "asks no lock nodes"),
            ({ try plan(nil, "disk-full", level: "strategy") }, "cannot strike"),
            ({ try plan("sql-row", level: "strategy") }, "in the ledger"),
            ({ try plan(level: "strategy", servers: 2) }, "at the level of the strategy there is no server"),
            ({ try plan(servers: 0) }, "from 1 to 4"), ({ try plan(servers: 5) }, "from 1 to 4"),
            ({ try plan("lua-atomic", "lose-server") }, "add --servers 2"),
            ({ try plan("lua-atomic", "pause-postgres", level: "strategy") }, "no server and no ledger"),
            ({ try plan("lua-atomic", "disk-full", servers: 2) }, "is on PostgreSQL"),
            ({ try plan("pg-advisory") }, "pg-advisory takes its lock in PostgreSQL, and the fault lab"),
            ({ try plan(level: "http") }, "strategy or service"),
            ({ try plan(",") }, "names nothing"),
            ({ try plan(seeds: 0) }, "1 to 20"),
            ({ try plan(budget: "soon") }, "such as 90s"),
            ({ try plan(budget: "-5m") }, "such as 90s"),
            ({ try plan(budget: "1e999h") }, "such as 90s"),
        ]
        for (ask, words) in cases {
            do {
                _ = try ask()
                Issue.record("nothing was said about \(words)")
            } catch let error as BenchError {
                #expect(error.description.contains(words), "\(error)")
                #expect(error.exitCode == .usage)
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test("has a budget in seconds, minutes or hours", arguments: [("90", 90.0), ("1.5m", 90), ("2h", 7200)])
    func budget(text: String, seconds: Double) throws {
        #expect(try FaultPlan.time(text) == .seconds(seconds))
    }
}
