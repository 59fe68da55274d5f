import BenchResults
import Exploration
import FaultAudit
import LockStrategies
import Simulation
import Testing

/// Purchases stay exact in worlds in which the server dies at any step, Redis forgets, and the ledger does
/// not answer: the real service and its reconciler over a simulated Redis and a model of the ledger.
@Suite("Simulated worlds of the service", .timeLimit(.minutes(5)))
struct ServiceExplorationTests {
    private static let strategies = StrategyRegistry.builtIn.entries.filter {
        WorldFault.none.obstacle(for: $0, at: .service) == nil
    }

    private func expectExact(_ strategy: StrategyEntry, _ fault: WorldFault, _ schedules: Int) throws {
        let outcome = try Explorer(SchedulePlan(strategy, fault, at: .service))
            .explore(1..<UInt64(schedules + 1), stopsAtFirst: false)
        #expect(
            outcome.first == nil,
            "\(fault.rawValue), seed \(outcome.first?.seed ?? 0): \(outcome.first?.findings ?? [])")
        #expect(outcome.undecided == 0)
        #expect(outcome.idle < schedules)
    }

    @Test("every purchase is exact while the server dies, whatever the strategy", arguments: strategies)
    func serverDies(_ strategy: StrategyEntry) throws {
        try expectExact(strategy, .killServer, 40)
    }

    @Test(
        "every purchase is exact while nothing is broken, and no client meets an error", arguments: strategies
    )
    func nothingBroken(_ strategy: StrategyEntry) throws { try expectExact(strategy, .none, 40) }

    @Test(
        "every purchase is exact under every fault",
        arguments: WorldFault.allCases.filter { $0.obstacle(for: .luaAtomic, at: .service) == nil })
    func everyFault(_ fault: WorldFault) throws { try expectExact(.luaAtomic, fault, 60) }

    @Test(
        "lock nodes break, and every purchase is exact", arguments: [WorldFault.nodeDown, .nodesDownMajority])
    func lockNodes(_ fault: WorldFault) throws { try expectExact(.redlock, fault, 15) }

    @Test(
        "a server that dies before any one of its steps leaves every purchase exact",
        arguments: [StrategyEntry.luaAtomic, .setnxNotify, .sqlRow])
    func everyStep(_ strategy: StrategyEntry) throws {
        var plan = SchedulePlan(strategy, .killServer, at: .service)
        let usual = try ScheduleRunner(SchedulePlan(strategy, .none, at: .service))
            .run(Chooser(following: []), StepOrder())
        #expect(usual.steps > 60)
        // Each step of the simplest schedule, and, by the seed, of others.
        for step in 1...usual.steps {
            plan.killStep = step
            let runner = try ScheduleRunner(plan)
            let schedules = [
                runner.run(Chooser(following: []), StepOrder()), runner.run(seed: UInt64(step), .uniform),
            ]
            for schedule in schedules {
                #expect(schedule.findings.isEmpty, "killed before step \(step): \(schedule.findings)")
            }
        }
    }

    @Test("the same seed has the same steps, at the same moments, in the same words")
    func sameSeed() throws {
        let runner = try ScheduleRunner(SchedulePlan(.setnxNotify, .killServer, at: .service))
        for seed in 1...25 as ClosedRange<UInt64> {
            let one = runner.run(seed: seed, .both, isTold: true)
            let other = runner.run(seed: seed, .both, isTold: true)
            #expect(one.fingerprint == other.fingerprint)
            #expect(one.story == other.story)
        }
    }

    @Test("what the service cannot meet is named with its reason")
    func obstacles() {
        #expect(WorldFault.killBuyer.obstacle(for: .luaAtomic, at: .service)?.contains("kill-server") == true)
        #expect(WorldFault.killServer.obstacle(for: .luaAtomic)?.contains("level service") == true)
        #expect(WorldFault.none.obstacle(for: .sqlRow, at: .service) == nil)
    }
}
