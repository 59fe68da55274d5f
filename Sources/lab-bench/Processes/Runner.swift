import LockStrategies

/// How the trials of a run ended.
enum RunEnd: Error, Sendable, Equatable {
    case complete
    case interrupted
    case failed(BenchError)
}

/// Runs the trials of a plan one after the other.
struct Runner: Sendable {
    let plan: RunPlan
    let place: ServicePlace
    let terminal: Terminal

    /// What was run to its end, and why there is no more of it.
    struct Finished: Sendable {
        var finished: [FinishedTrial] = []
        var ceilings: [FinishedCeiling] = []
        var end = RunEnd.complete
    }

    func run() async -> Finished {
        terminal.announce(plan)
        var all = Finished()
        all.end = await runCeilings(&all.ceilings)
        if all.end == .complete { all.end = await runTrials(&all.finished) }
        return all
    }

    private func runCeilings(_ finished: inout [FinishedCeiling]) async -> RunEnd {
        let runner = CeilingRunner(plan: plan, place: place)
        for ceiling in plan.ceilings {
            if Task.isCancelled { return .interrupted }
            do {
                let found = try await runner.run(ceiling)
                terminal.say(
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

    private func runTrials(_ finished: inout [FinishedTrial]) async -> RunEnd {
        var end = await run(plan.schedule, &finished)
        if end == .complete, plan.sweep == .rate {
            let rates = plan.rate.map { [Double](repeating: $0, count: plan.strategies.count) }
            end = await run(
                plan.rateSweep(rates ?? closedRates(finished), after: finished.count), &finished)
        } else if end == .complete, plan.models.count > 1 {
            if let rate = plan.rate ?? openRate(finished) {
                end = await run(plan.openSchedule(rate: rate), &finished)
            } else {
                terminal.say("no open load: a strategy sold nothing in the closed one")
            }
        }
        return end
    }

    /// One rate for every strategy, which the slowest one can keep: a share of the median of its closed trials.
    private func openRate(_ finished: [FinishedTrial]) -> Double? {
        guard let slowest = closedRates(finished).min(), slowest >= 1 else { return nil }
        return (slowest * RunPlan.Defaults().openShare).rounded()
    }

    /// The median of the closed trials of each strategy.
    private func closedRates(_ finished: [FinishedTrial]) -> [Double] {
        plan.strategies.map { id in
            let trials = finished.filter { $0.planned.strategy == id && !$0.planned.model.isOpen }
            return Spread(trials.map(\.record.purchasesPerSecond))?.median ?? 0
        }
    }

    private func run(_ schedule: [PlannedTrial], _ finished: inout [FinishedTrial]) async -> RunEnd {
        for planned in schedule {
            if Task.isCancelled { return .interrupted }
            switch await runOne(planned, of: plan.trialCount) {
            case .success(let trial): finished.append(trial)
            case .failure(let end): return end
            }
        }
        return .complete
    }

    /// Runs one trial and shows how it went.
    ///
    /// - Parameter note: Shown before its figures.
    /// - Returns: The trial, or how the run ends because of it.
    func runOne(
        _ planned: PlannedTrial, of count: Int, note: String = ""
    ) async -> Result<FinishedTrial, RunEnd> {
        do {
            let trial = try await run(planned, of: count)
            terminal.finished(trial, of: count, note: note)
            return .success(trial)
        } catch {
            terminal.clearLine()
            if Task.isCancelled { return .failure(.interrupted) }
            return .failure(.failed(Self.reason(error, planned.strategy.rawValue)))
        }
    }

    private func run(_ planned: PlannedTrial, of count: Int) async throws -> FinishedTrial {
        let (steps, progress) = AsyncStream.makeStream(
            of: LoadProgress.self, bufferingPolicy: .bufferingNewest(1))
        let terminal = terminal
        async let shown: Void = {
            for await step in steps { terminal.live(planned, step, of: count) }
        }()
        let result: Result<FinishedTrial, any Error>
        do {
            let runner = TrialRunner(plan: plan, place: place)
            result = .success(try await runner.run(planned, progress: progress))
        } catch {
            result = .failure(error)
        }
        progress.finish()
        await shown
        return try result.get()
    }
}
