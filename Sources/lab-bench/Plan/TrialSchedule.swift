import LockStrategies

/// One trial before it is run.
struct PlannedTrial: Sendable, Equatable {
    let strategy: StrategyID
    /// Place in the whole run, from 1.
    let order: Int
    /// Round, from 1; 0 for a negative control, which runs once before the rounds.
    let block: Int
    let stock: Int
    let warmup: Duration
    let duration: Duration

    var isControl: Bool { strategy.isNegativeControl }
}

extension RunPlan {
    /// The trials in their order: the controls, then each round with all strategies, shuffled anew, so that
    /// a slow drift of the machine hits all of them alike.
    var schedule: [PlannedTrial] {
        var generator = SeededGenerator(seed: seed)
        var trials: [PlannedTrial] = []
        for strategy in controls {
            trials.append(
                PlannedTrial(
                    strategy: strategy, order: trials.count + 1, block: 0, stock: controlStock,
                    warmup: .zero, duration: controlDuration))
        }
        for round in 0..<rounds {
            for strategy in strategies.shuffled(using: &generator) {
                trials.append(
                    PlannedTrial(
                        strategy: strategy, order: trials.count + 1, block: round + 1, stock: stock,
                        warmup: warmup, duration: duration))
            }
        }
        return trials
    }
}
