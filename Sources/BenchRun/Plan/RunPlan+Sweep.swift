import BenchModel
import LockStrategies

extension RunPlan {
    /// Every strategy at every number of users, once in each round, in an order drawn anew.
    func usersSweep(after first: [PlannedTrial]) -> [PlannedTrial] {
        var generator = SplitMix64(seed: seed)
        var trials = first
        for round in 0..<rounds {
            let pairs = strategies.flatMap { id in Sweep.userLoads.map { SweptLoad(strategy: id, users: $0) }
            }
            for pair in pairs.shuffled(using: &generator) {
                trials.append(
                    PlannedTrial(
                        strategy: pair.strategy, model: .closed, rate: nil, order: trials.count + 1,
                        block: round + 1, stock: stock, warmup: warmup, duration: duration, users: pair.users,
                        sweep: .users)
                )
            }
        }
        return trials
    }

    /// Every strategy at shares of its own rate.
    ///
    /// - Parameters:
    ///   - rates: Of each strategy, in their order.
    ///   - first: Trials that came before.
    func rateSweep(_ rates: [Double], after first: Int) -> [PlannedTrial] {
        var generator = SplitMix64(seed: seed &+ 3)
        let pairs = zip(strategies, rates).flatMap { id, rate in
            Sweep.rateShares.map { SweptLoad(strategy: id, rate: max((rate * $0).rounded(), 1)) }
        }
        return pairs.shuffled(using: &generator).enumerated().map { index, pair in
            PlannedTrial(
                strategy: pair.strategy, model: .poisson, rate: pair.rate, order: first + index + 1, block: 1,
                stock: stock, warmup: warmup, duration: duration, users: users, sweep: .rate)
        }
    }
}

private struct SweptLoad: Sendable {
    let strategy: StrategyEntry
    var users = 0
    var rate = 0.0
}
