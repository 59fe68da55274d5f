import BenchResults
import LockStrategies
import Simulation
import Testing

@testable import Exploration

@Suite("The end of a simulated world", .timeLimit(.minutes(5)))
struct WorldEndTests {
    /// An exploration of a million schedules needs no more memory than one of a thousand.
    @Test("leaves nothing of it in memory, whatever broke", arguments: FaultLevel.allCases)
    func nothingIsLeft(_ level: FaultLevel) throws {
        for strategy in StrategyRegistry.builtIn.entries {
            for fault in WorldFault.allCases where fault.obstacle(for: strategy, at: level) == nil {
                let runner = try ScheduleRunner(SchedulePlan(strategy, fault, at: level))
                for seed in 1...2 as ClosedRange<UInt64> {
                    let order = runner.order(of: seed, .both)
                    weak var left: World?
                    do {
                        let world = World(Chooser(seed: seed), order: order)
                        left = world
                        _ = runner.run(in: world, order)
                    }
                    #expect(left == nil, "\(strategy.id) under \(fault.rawValue), seed \(seed)")
                }
            }
        }
    }
}
