import BenchAudit
import BenchModel
package import BenchResults
import LockStrategies

/// Runs the trials of a plan with two servers in turn: each strategy of a round is measured with both, one
/// right after the other, in an order drawn anew, so that the machine's drift hits both alike.
package struct PairedRunner: Sendable {
    package struct Finished: Sendable {
        package var base: [FinishedTrial] = []
        package var new: [FinishedTrial] = []
        package var end = RunEnd.complete
    }

    package let plan: RunPlan
    package let base: ServicePlace
    package let new: ServicePlace
    package let display: any RunDisplay

    package init(plan: RunPlan, base: ServicePlace, new: ServicePlace, display: any RunDisplay) {
        self.plan = plan
        self.base = base
        self.new = new
        self.display = display
    }

    /// How far a comparison has come.
    private struct Course {
        var finished = Finished()
        /// Figures that each server has shown before.
        var usual = (base: UsualFigures(), new: UsualFigures())
        var repetition: Repetition
        /// Decides which server is first.
        var order: SplitMix64
    }

    package func run() async -> Finished {
        var schedule = plan.schedule
        if let rate = plan.rate { schedule += plan.openSchedule(rate: rate) }
        var course = Course(
            repetition: Repetition(trials: 2 * schedule.count), order: SplitMix64(seed: plan.seed &+ 2))
        course.finished.end = await Runner(plan: plan, place: base, display: display).lookAtRate()
        for planned in schedule where course.finished.end == .complete {
            course.finished.end = await runUntilSound(planned, of: schedule.count, &course)
        }
        return course.finished
    }

    /// Measures both servers, and both again when the instrument has spoilt the trial of one: what is
    /// compared met the same minute.
    private func runUntilSound(
        _ planned: PlannedTrial, of count: Int, _ course: inout Course
    ) async -> RunEnd {
        var attempt = 1
        while true {
            var pair: (base: FinishedTrial?, new: FinishedTrial?)
            let isNewFirst = Bool.random(using: &course.order)
            for isNew in [isNewFirst, !isNewFirst] {
                if Task.isCancelled { return .interrupted }
                let runner = Runner(plan: plan, place: isNew ? new : base, display: display)
                let usual = isNew ? course.usual.new : course.usual.base
                let one = await runner.runOne(
                    planned, Attempt(number: attempt, usual: usual.of(planned)), of: count,
                    note: isNew ? "new " : "base")
                switch one {
                case .success(let trial): if isNew { pair.new = trial } else { pair.base = trial }
                case .failure(let end): return end
                }
            }
            guard let base = pair.base, let new = pair.new else { return .interrupted }
            let spoilt = [base, new].first(where: \.isSpoilt)
            keep(base, new, isSpoilt: spoilt != nil, &course)
            guard let spoilt, course.repetition.takes(attempt: attempt) else { return .complete }
            display.repeats(spoilt)
            attempt += 1
        }
    }

    private func keep(
        _ base: FinishedTrial, _ new: FinishedTrial, isSpoilt: Bool, _ course: inout Course
    ) {
        var (base, new) = (base, new)
        // A trial that sold wrongly convicts its server, whatever happened to the other one.
        func isWrong(_ trial: FinishedTrial) -> Bool {
            trial.checks.contains { $0.kind == .correctness && $0.state == .fail }
        }
        if isSpoilt {
            base.isPairSpoilt = !isWrong(base)
            new.isPairSpoilt = !isWrong(new)
        } else {
            course.usual.base.add(base)
            course.usual.new.add(new)
        }
        course.finished.base.append(base)
        course.finished.new.append(new)
    }
}
