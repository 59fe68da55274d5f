import BenchAudit
import BenchLoad
import BenchModel
package import BenchResults
package import BenchStatistics
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
    /// Judges what there is after some rounds: false lets the comparison go on. Nil: all rounds are run.
    package let isEnough: (@Sendable (Finished) -> Bool)?
    /// When it is asked; the plan has the rounds of the last look.
    package let looks: Looks?

    package init(
        plan: RunPlan, base: ServicePlace, new: ServicePlace, display: any RunDisplay, looks: Looks? = nil,
        isEnough: (@Sendable (Finished) -> Bool)? = nil
    ) {
        self.looks = looks
        self.isEnough = isEnough
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
        for (index, planned) in schedule.enumerated() where course.finished.end == .complete {
            course.finished.end = await runUntilSound(planned, of: schedule.count, &course)
            let isRoundOver = index + 1 == schedule.count || schedule[index + 1].block != planned.block
            guard course.finished.end == .complete, isRoundOver else { continue }
            if looks?.rounds.contains(planned.block) == true, isEnough?(course.finished) == true { break }
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

extension PairedRunner.Finished {
    /// Rounds that both servers have run.
    package var rounds: Int { Set(real.map(\.planned.block)).count }

    /// The base's trials without those of negative controls.
    private var real: [FinishedTrial] { base.filter { !$0.planned.strategy.isNegativeControl } }

    /// The figure whose interval reaches farthest to one side.
    ///
    /// - Parameter looks: How often it is looked at in all.
    /// - Returns: Nil while something cannot be judged.
    package func widest(looks: Int) -> (name: String, width: Double)? {
        let strategies = Set(real.map(\.planned.strategy.id.rawValue)).sorted()
        let questions = strategies.flatMap { id in
            [
                question(id, .purchasesPerSecond) { $0.purchasesPerSecond },
                question(id, .serviceP95) { Percentile.of($0.latency[BuyerOutcome.success.index], 0.95) },
            ]
        }
        let judgements = Judgement.all(questions, noiseFloor: 0, looks: looks)
        let widths = judgements.compactMap { judgement in
            judgement.width.map { (name: judgement.name, width: $0) }
        }
        return widths.count == questions.count ? widths.max { $0.width < $1.width } : nil
    }

    private func question(
        _ id: String, _ figure: Judgement.Figure, _ value: (LoadRecord) -> Double?
    ) -> Judgement.Question {
        func values(_ trials: [FinishedTrial]) -> [Int: Double] {
            let sound = trials.filter { $0.planned.strategy.id.rawValue == id && !$0.isSpoilt }
            let known = sound.compactMap { trial in value(trial.record).map { (trial.planned.block, $0) } }
            return Dictionary(known) { $1 }
        }
        let (before, after) = (values(base), values(new))
        let common = before.keys.filter { after[$0] != nil }.sorted()
        return Judgement.Question(
            strategy: id, figure: figure, base: common.compactMap { before[$0] },
            new: common.compactMap { after[$0] }, isPaired: true)
    }
}
