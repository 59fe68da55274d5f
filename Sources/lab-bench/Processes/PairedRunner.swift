import LockStrategies

/// Runs the trials of a plan with two servers in turn: each strategy of a round is measured with both, one right
/// after the other, in an order drawn anew, so that the machine's drift hits both alike.
struct PairedRunner: Sendable {
    struct Finished: Sendable {
        var base: [FinishedTrial] = []
        var new: [FinishedTrial] = []
        var end = RunEnd.complete
    }

    let plan: RunPlan
    let base: ServicePlace
    let new: ServicePlace
    let terminal: Terminal

    func run() async -> Finished {
        var schedule = plan.schedule.filter { !$0.isControl }
        if let rate = plan.rate { schedule += plan.openSchedule(rate: rate) }
        var generator = SeededGenerator(seed: plan.seed &+ 2)
        var finished = Finished()
        for planned in schedule {
            let isNewFirst = Bool.random(using: &generator)
            for isNew in [isNewFirst, !isNewFirst] {
                if Task.isCancelled {
                    finished.end = .interrupted
                    return finished
                }
                let runner = Runner(plan: plan, place: isNew ? new : base, terminal: terminal)
                switch await runner.runOne(planned, of: schedule.count, note: isNew ? "new " : "base") {
                case .success(let trial):
                    if isNew { finished.new.append(trial) } else { finished.base.append(trial) }
                case .failure(let end):
                    finished.end = end
                    return finished
                }
            }
        }
        return finished
    }
}
