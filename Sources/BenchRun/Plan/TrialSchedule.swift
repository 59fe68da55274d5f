package import BenchLoad
import BenchModel

extension RunPlan {
    /// The trials in their order: the controls, then each round with all strategies, shuffled anew, so that
    /// a slow drift of the machine hits all of them alike.
    var schedule: [PlannedTrial] {
        var generator = SplitMix64(seed: seed)
        var trials: [PlannedTrial] = []
        for strategy in controls {
            trials.append(
                PlannedTrial(
                    strategy: strategy, model: .closed, rate: nil, order: trials.count + 1, block: 0,
                    stock: controlStock, warmup: .zero, duration: controlDuration, users: controlUsers))
        }
        if sweep == .users { return usersSweep(after: trials) }
        // The rates of the open loads are given: nothing has to be found out first.
        if sweep == .rate && rate != nil { return trials }
        let model = models.first ?? .closed
        for round in 0..<rounds {
            for strategy in strategies.shuffled(using: &generator) {
                trials.append(
                    PlannedTrial(
                        strategy: strategy, model: model, rate: model.isOpen ? rate : nil,
                        order: trials.count + 1, block: round + 1, stock: stock, warmup: warmup,
                        duration: duration, users: users))
            }
        }
        return trials
    }

    /// The rounds of the open model after ``schedule``, when the run has both.
    func openSchedule(rate: Double) -> [PlannedTrial] {
        guard models.count > 1, let model = models.last else { return [] }
        // Another order than that of any closed round.
        var generator = SplitMix64(seed: seed &+ 1)
        var order = controls.count + strategies.count * rounds
        var trials: [PlannedTrial] = []
        for round in 0..<openRounds {
            for strategy in strategies.shuffled(using: &generator) {
                order += 1
                trials.append(
                    PlannedTrial(
                        strategy: strategy, model: model, rate: rate, order: order, block: round + 1,
                        stock: stock, warmup: warmup, duration: openDuration, users: users))
            }
        }
        return trials
    }

    /// After ``schedule``.
    private var openTrialCount: Int {
        if sweep == .rate { return strategies.count * Sweep.rateShares.count }
        return strategies.count * openRounds
    }

    package var trialCount: Int {
        schedule.count + openTrialCount
    }

    /// The intended starts of an open trial: the same for every strategy, other ones in each round.
    package func arrivals(of trial: PlannedTrial) -> ArrivalSchedule? {
        guard trial.model.isOpen, let rate = trial.rate else { return nil }
        return arrivals
            ?? ArrivalSchedule(
                trial.model, ratePerSecond: rate, warmup: trial.warmup,
                length: trial.warmup + trial.duration, tail: TrialRunner.drain,
                seed: seed &+ UInt64(trial.block))
    }
}
