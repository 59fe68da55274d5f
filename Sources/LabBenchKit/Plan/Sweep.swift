import LockStrategies

/// A run that changes the load from trial to trial instead of repeating it.
enum Sweep: String, Sendable, Codable, CaseIterable {
    /// Closed loads of 1, 2, 4, … 128 users: how throughput scales.
    case users
    /// Open loads at rising rates: where latency leaves the ground.
    case rate

    static let userLoads = [1, 2, 4, 8, 16, 32, 64, 128]
    /// Shares of the rate that is given, or of what the strategy sold in a closed load.
    static let rateShares = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1]
}

extension RunPlan {
    /// Every strategy at every number of users, once in each round, in an order drawn anew.
    func usersSweep(after first: [PlannedTrial]) -> [PlannedTrial] {
        var generator = SeededGenerator(seed: seed)
        var trials = first
        for round in 0..<rounds {
            let pairs = strategies.flatMap { id in Sweep.userLoads.map { SweptLoad(strategy: id, users: $0) }
            }
            for pair in pairs.shuffled(using: &generator) {
                trials.append(
                    PlannedTrial(
                        strategy: pair.strategy, model: .closed, rate: nil, order: trials.count + 1,
                        block: round + 1, stock: stock, warmup: warmup, duration: duration, users: pair.users)
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
        var generator = SeededGenerator(seed: seed &+ 3)
        let pairs = zip(strategies, rates).flatMap { id, rate in
            Sweep.rateShares.map { SweptLoad(strategy: id, rate: max((rate * $0).rounded(), 1)) }
        }
        return pairs.shuffled(using: &generator).enumerated().map { index, pair in
            PlannedTrial(
                strategy: pair.strategy, model: .poisson, rate: pair.rate, order: first + index + 1, block: 1,
                stock: stock, warmup: warmup, duration: duration, users: users)
        }
    }
}

private struct SweptLoad: Sendable {
    let strategy: StrategyID
    var users = 0
    var rate = 0.0
}
