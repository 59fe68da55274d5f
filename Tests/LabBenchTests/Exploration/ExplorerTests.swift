import BenchResults
import Exploration
import FaultAudit
import Foundation
import LockStrategies
import Simulation
import Testing

@Suite("Simulated worlds of strategies", .timeLimit(.minutes(5)))
struct ExplorerTests {
    private static let strategies = StrategyRegistry.builtIn.entries.filter {
        WorldFault.none.obstacle(for: $0) == nil
    }

    private func explore(
        _ strategy: StrategyEntry, _ fault: WorldFault, _ schedules: Int, until first: Bool = false
    ) throws -> Explorer.Outcome {
        try Explorer(SchedulePlan(strategy, fault)).explore(1..<UInt64(schedules + 1), stopsAtFirst: first)
    }

    @Test("the control without a lock is violated at once")
    func control() throws {
        #expect(try explore(.unguarded, .none, 20, until: true).first != nil)
    }

    @Test("while nothing is broken every strategy holds, and somebody buys", arguments: strategies)
    func nothingBroken(_ strategy: StrategyEntry) throws {
        let outcome = try explore(strategy, .none, 60)
        #expect((outcome.first == nil) == !strategy.isNegativeControl, "\(outcome.first?.findings ?? [])")
        #expect(outcome.undecided == 0 && outcome.idle == 0)
    }

    @Test(
        "a strategy without a lease holds under every fault that loses no write",
        arguments: WorldFault.allCases)
    func withoutLease(_ fault: WorldFault) throws {
        for strategy in [StrategyEntry.luaAtomic, .optimistic] where fault.obstacle(for: strategy) == nil {
            let isSafe = fault.expectation(of: strategy) == .safe
            let outcome = try explore(strategy, fault, 30)
            if isSafe {
                #expect(
                    outcome.first == nil, "seed \(outcome.first?.seed ?? 0): \(outcome.first?.findings ?? [])"
                )
            }
        }
    }

    @Test(
        "a buyer who is cancelled leaves no lock behind",
        arguments: strategies.filter { $0.traits.abilities.contains(.leases) })
    func cancelled(_ strategy: StrategyEntry) throws {
        let outcome = try explore(strategy, .cancelBuyer, 80)
        #expect(outcome.first == nil, "\(outcome.first?.findings ?? [])")
    }

    @Test(
        "what theory says must break is broken, and told in 25 steps",
        arguments: [
            (StrategyEntry.setnxSpin, WorldFault.slowHolder), (.setnxSpin, .pauseBuyer),
            (.setnxBackoff, .clockJump), (.setnxNotify, .killRedisEmpty), (.redlock, .slowHolder),
            (.luaAtomic, .failoverLostWrite), (.optimistic, .failoverLostWrite), (.optimistic, .powerCut),
            (.redlock, .nodeEmptyRestart),
        ])
    func broken(_ strategy: StrategyEntry, _ fault: WorldFault) throws {
        #expect(fault.expectation(of: strategy) == .violated)
        let first = try #require(try explore(strategy, fault, 2_000, until: true).first)
        let small = try #require(
            try Shrinker(.both).shrink(SchedulePlan(strategy, fault), first))
        let steps = StoryText(small.schedule).steps
        #expect(small.schedule.report.verdict == .violated)
        #expect(steps.count <= 25, "\(steps.joined(separator: "\n"))")
        // Who lost a connection because a server was killed is told with its end.
        #expect(!steps.contains { $0.contains("(\(SimulatedNode.ended))") })
    }

    @Test("the same seed has the same steps, at the same moments, in the same words", arguments: strategies)
    func sameSeed(_ strategy: StrategyEntry) throws {
        let runner = try ScheduleRunner(SchedulePlan(strategy, .replyLost))
        for seed in 1...25 as ClosedRange<UInt64> {
            let one = runner.run(seed: seed, .both, isTold: true)
            let other = runner.run(seed: seed, .both, isTold: true)
            #expect(one.fingerprint == other.fingerprint)
            #expect(one.story == other.story)
        }
    }

    @Test("a fault that a strategy cannot meet is named with its reason")
    func obstacles() {
        #expect(WorldFault.nodeDown.obstacle(for: .luaAtomic)?.contains("asks no lock nodes") == true)
        #expect(WorldFault.none.obstacle(for: .sqlRow)?.contains("ledger") == true)
        #expect(WorldFault.nodeDown.obstacle(for: .redlock) == nil)
    }
}

@Suite("Seeds that found something")
struct SeedListTests {
    private struct Row: Sendable, CustomStringConvertible {
        let level: FaultLevel
        let strategy: StrategyEntry
        let fault: WorldFault
        let seed: UInt64
        var description: String { "\(level.rawValue) \(strategy) \(fault.rawValue) \(seed)" }
    }

    private static let rows: [Row] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "seeds.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let words = line.split(separator: " ", maxSplits: 4).map(String.init)
            guard words.count == 5, let level = FaultLevel(rawValue: words[0]),
                let strategy = StrategyRegistry.builtIn.entry(named: words[1]),
                let fault = WorldFault(rawValue: words[2]), let seed = UInt64(words[3])
            else {
                Issue.record("seeds.txt: \(line)")
                return nil
            }
            return Row(level: level, strategy: strategy, fault: fault, seed: seed)
        }
    }()

    @Test("play without a finding", arguments: rows)
    private func replay(_ row: Row) throws {
        let schedule = try ScheduleRunner(SchedulePlan(row.strategy, row.fault, at: row.level))
            .run(seed: row.seed, .both)
        if row.fault.expectation(of: row.strategy, at: row.level) == .safe {
            #expect(schedule.findings.isEmpty)
        }
    }

    @Test("are there")
    func some() { #expect(!Self.rows.isEmpty) }
}
