import BenchAudit
import BenchLoad
import BenchModel
package import BenchResults
import BenchStatistics
import Foundation
package import LockDrivers
import LockStrategies

/// Runs the trials of a plan one after the other.
package struct Runner: Sendable {
    package let plan: RunPlan
    package let place: ServicePlace
    package let display: any RunDisplay

    package init(plan: RunPlan, place: ServicePlace, display: any RunDisplay) {
        self.plan = plan
        self.place = place
        self.display = display
    }

    /// What was run to its end, and why there is no more of it.
    package struct Finished: Sendable {
        /// Spoilt ones too (``FinishedTrial/isSpoilt``), each before its repetition.
        package var finished: [FinishedTrial] = []
        package var ceilings: [FinishedCeiling] = []
        package var end = RunEnd.complete
        /// What the way to a driver costs; nil: there is none.
        package var pipe: EchoCost?
        /// Trials of the modes inside of this one, in the order of the plan's.
        package var layers: [[FinishedTrial]] = []
    }

    /// How far a run has come.
    private struct Course {
        var finished: [FinishedTrial] = []
        var usual = UsualFigures()
        var repetition: Repetition
        /// Of the modes inside of this one.
        var layers: [Course] = []

        init(_ plan: RunPlan) {
            repetition = Repetition(trials: plan.trialCount)
            layers = plan.layers.map { Course($0) }
        }
    }

    package func run() async -> Finished {
        display.announce(plan)
        var all = Finished()
        all.end = await lookAtRate()
        if all.end == .complete { all.end = await measurePipe(&all.pipe) }
        if all.end == .complete { all.end = await runCeilings(&all.ceilings) }
        guard all.end == .complete else { return all }
        var course = Course(plan)
        all.end = await runTrials(&course)
        all.finished = course.finished
        all.layers = course.layers.map(\.finished)
        return all
    }

    private func measurePipe(_ pipe: inout EchoCost?) async -> RunEnd {
        guard !plan.drivers.isEmpty else { return .complete }
        do throws(DriverError) {
            let cost = try await EchoCost.measure(
                plan.echoDriver, environment: ProcessInfo.processInfo.environment)
            display.say("[drivers] \(cost.sentence)")
            pipe = cost
            return .complete
        } catch {
            return Task.isCancelled ? .interrupted : .failed(Self.reason(error, "the echo driver"))
        }
    }

    /// Looks whether this machine can send the rate that was asked for, before anything is measured.
    func lookAtRate() async -> RunEnd {
        guard let asked = plan.highestAskedRate else { return .complete }
        do {
            guard let most = try await capacity(below: asked) else { return .complete }
            let highest = plan.sweep == .rate ? most / (Sweep.rateShares.max() ?? 1) : most
            return .failed(
                BenchError(
                    .badInput,
                    "this machine cannot send \(Text.number(asked)) purchases/s at the moments that an open load asks for, "
                        + "not even to a server that does nothing: take --rate \(Text.plain(highest.rounded(.down))) or less"
                ))
        } catch {
            return Task.isCancelled ? .interrupted : .failed(Self.reason(error, "the look at the rate"))
        }
    }

    /// - Returns: The highest rate that can be sent as asked; nil when the asked one can.
    private func capacity(below rate: Double) async throws -> Double? {
        let capacity = SendingCapacity(users: min(plan.users, 1_000))
        // One disturbed look refuses nobody.
        for _ in 0..<3 where try await capacity.keeps(rate) { return nil }
        return try await capacity.highest(below: rate)
    }

    private func runCeilings(_ finished: inout [FinishedCeiling]) async -> RunEnd {
        let runner = CeilingRunner(plan: plan, place: place)
        for ceiling in plan.ceilings {
            if Task.isCancelled { return .interrupted }
            do {
                let found = try await runner.run(ceiling)
                display.say(
                    "[ceiling] \(ceiling.rawValue): \(Text.number(found.perSecond))/s (\(ceiling.what))")
                finished.append(found)
            } catch {
                if Task.isCancelled { return .interrupted }
                return .failed(Self.reason(error, ceiling.rawValue))
            }
        }
        return .complete
    }

    private static func reason(_ error: any Error, _ name: String) -> BenchError {
        let reason = error as? BenchError ?? BenchError(.unreachable, "\(error)")
        return BenchError(reason.code, "\(name): \(reason.context)")
    }

    private func runTrials(_ course: inout Course) async -> RunEnd {
        var end = await walk(plan.schedule, &course)
        if end == .complete, plan.sweep == .rate {
            let rates = plan.rate.map { [Double](repeating: $0, count: plan.strategies.count) }
            let sweep = plan.rateSweep(rates ?? closedRates(course), after: plan.schedule.count)
            end = await walk(sweep, &course)
        } else if end == .complete, plan.models.count > 1 {
            if let rate = plan.rate ?? openRate(course) {
                let most = plan.rate == nil ? try? await capacity(below: rate) : nil
                if let most {
                    display.say(
                        "the open load is \(Text.number(most))/s: this machine cannot send \(Text.number(rate))/s as asked"
                    )
                }
                end = await walk(plan.openSchedule(rate: most ?? rate), &course)
            } else {
                display.say("no open load: a strategy sold nothing in the closed one")
            }
        }
        return end
    }

    /// One rate for every strategy, which the slowest one can keep: a share of the median of its closed
    /// trials.
    private func openRate(_ course: Course) -> Double? {
        guard let slowest = closedRates(course).min(), slowest >= 1 else { return nil }
        return (slowest * RunPlan.Defaults().openShare).rounded()
    }

    /// The median of the closed trials of each strategy; of spoilt ones where there are no others, which is
    /// good enough to choose a load by.
    private func closedRates(_ course: Course) -> [Double] {
        plan.strategies.map { strategy in
            let trials = course.finished.filter {
                $0.planned.strategy == strategy && !$0.planned.model.isOpen
            }
            let sound = trials.filter { !$0.isSpoilt }
            return Spread((sound.isEmpty ? trials : sound).map(\.record.purchasesPerSecond))?.median ?? 0
        }
    }

    private func walk(_ schedule: [PlannedTrial], _ course: inout Course) async -> RunEnd {
        for planned in schedule {
            let end =
                planned.model.isOpen
                ? await runUntilSound(planned, &course) : await runInAllModes(planned, &course)
            if end != .complete { return end }
        }
        return .complete
    }

    /// Runs one trial, and its like in each mode inside of this one, one right after the other, in an order
    /// that turns back in every second round: what is compared met the same minute.
    private func runInAllModes(_ planned: PlannedTrial, _ course: inout Course) async -> RunEnd {
        var modes = Array(plan.layers.indices) + [plan.layers.count]
        if planned.block.isMultiple(of: 2) { modes.reverse() }
        for mode in modes {
            guard mode < plan.layers.count else {
                let end = await runUntilSound(planned, &course)
                if end != .complete { return end }
                continue
            }
            let inner = plan.layers[mode]
            let like = inner.schedule.first { $0.strategy == planned.strategy && $0.block == planned.block }
            guard let like else { continue }
            let runner = Runner(plan: inner, place: .ownProcess, display: display)
            let end = await runner.runUntilSound(
                like, note: "\(inner.mode.rawValue) mode:", &course.layers[mode])
            if end != .complete { return end }
        }
        return .complete
    }

    /// Runs one trial, and again when the instrument has spoilt it.
    private func runUntilSound(
        _ planned: PlannedTrial, note: String = "", _ course: inout Course
    ) async -> RunEnd {
        var attempt = 1
        while !Task.isCancelled {
            let attempted = Attempt(number: attempt, usual: course.usual.of(planned))
            switch await runOne(planned, attempted, of: plan.trialCount, note: note) {
            case .failure(let end): return end
            case .success(let trial):
                course.finished.append(trial)
                guard trial.isSpoilt else {
                    course.usual.add(trial)
                    return .complete
                }
                guard course.repetition.takes(attempt: attempt) else { return .complete }
                display.repeats(trial)
                attempt += 1
            }
        }
        return .interrupted
    }

    /// Runs one trial and shows how it went.
    ///
    /// - Parameter note: Shown before its figures.
    /// - Returns: The trial, or how the run ends because of it.
    func runOne(
        _ planned: PlannedTrial, _ attempt: Attempt, of count: Int, note: String = ""
    ) async -> Result<FinishedTrial, RunEnd> {
        do {
            let trial = try await showing(planned, attempt, of: count)
            display.finished(trial, of: count, note: note)
            return .success(trial)
        } catch {
            display.clearLine()
            if Task.isCancelled { return .failure(.interrupted) }
            return .failure(.failed(Self.reason(error, planned.strategy.name)))
        }
    }

    /// Runs one trial while the display shows its load.
    private func showing(
        _ planned: PlannedTrial, _ attempt: Attempt, of count: Int
    ) async throws -> FinishedTrial {
        let (steps, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let display = display
        async let shown: Void = {
            for await step in steps { display.live(planned, step, of: count) }
        }()
        let result: Result<FinishedTrial, any Error>
        do {
            let runner = TrialRunner(plan: plan, place: place)
            result = .success(try await runner.run(planned, attempt, progress: progress))
        } catch {
            result = .failure(error)
        }
        progress.finish()
        await shown
        return try result.get()
    }
}
