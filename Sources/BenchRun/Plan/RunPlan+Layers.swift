import BenchModel
import LockStrategies

/// A run in all modes: over HTTP, and beside each closed trial the same load in the modes inside of it.
extension RunPlan {
    /// What `--mode` calls it.
    static let allModes = "all"

    /// The modes inside of HTTP, the innermost first.
    private static let innerModes = [RunMode.strategy, .direct]

    /// - Parameter strategies: Those of the run; a mode leaves out the ones that it cannot measure.
    /// - Returns: None unless the run is one in all modes.
    static func layers(
        _ options: RunOptions, _ strategies: [StrategyEntry], seed: UInt64, _ registry: StrategyRegistry,
        _ defaults: Defaults
    ) throws(PlanProblems) -> [RunPlan] {
        guard options.mode == allModes else { return [] }
        var plans: [RunPlan] = []
        for mode in innerModes {
            let names = strategies.filter { $0.obstacle(in: mode, on: .sqlite) == nil }.map(\.name)
            if names.isEmpty { continue }
            var inner = options
            (inner.mode, inner.strategies) = (mode.rawValue, names.joined(separator: ","))
            (inner.model, inner.rate, inner.openRounds) = (LoadModel.closed.rawValue, nil, nil)
            (inner.servers, inner.database) = (nil, nil)
            (inner.serverBinary, inner.isWithoutCeilings) = (nil, true)
            // Targets are set for what a client sees.
            inner.thresholds = Thresholds()
            plans.append(try RunPlan(inner, seed: seed, from: registry, defaults: defaults))
        }
        return plans
    }

    /// Only a closed load of servers that the bench starts itself has a like in each mode.
    static func refuseBesideLayers(_ options: RunOptions, _ problems: inout [String]) {
        let isOpen = options.model.flatMap(LoadModel.init(rawValue:))?.isOpen == true
        let beside: [(String, Bool)] = [
            ("--target", options.target != nil), ("--servers", (options.servers ?? 1) > 1),
            ("--database", options.database == LedgerEngine.postgres.rawValue),
            ("--fault", options.fault != nil), ("--sweep", options.sweep != nil),
            ("--scenario", options.scenario == Scenario.journey.rawValue),
            ("--driver", !options.drivers.isEmpty), ("--schedule-in", options.scheduleIn != nil),
            ("--model \(options.model ?? "")", isOpen),
        ]
        for (name, isGiven) in beside where isGiven {
            problems.append(
                "--mode \(allModes) compares a closed load over HTTP with the same one without: leave out \(name)"
            )
        }
    }
}
