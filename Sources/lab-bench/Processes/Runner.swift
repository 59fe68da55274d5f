import LockStrategies

/// How the trials of a run ended.
enum RunEnd: Sendable, Equatable {
    case complete
    case interrupted
    case failed(BenchError)
}

/// Runs the trials of a plan one after the other.
struct Runner: Sendable {
    let plan: RunPlan
    let place: ServicePlace
    let terminal: Terminal

    /// - Returns: The trials that were run to their end, and why there are no more of them.
    func run() async -> (finished: [FinishedTrial], end: RunEnd) {
        let schedule = plan.schedule
        terminal.announce(plan, trials: schedule.count)
        var finished: [FinishedTrial] = []
        for planned in schedule {
            if Task.isCancelled { return (finished, .interrupted) }
            do {
                let trial = try await run(planned, of: schedule.count)
                finished.append(trial)
                terminal.finished(trial, of: schedule.count)
            } catch {
                terminal.clearLine()
                if Task.isCancelled { return (finished, .interrupted) }
                let reason = error as? BenchError ?? BenchError(.unreachable, "\(error)")
                let name = planned.strategy.rawValue
                return (finished, .failed(BenchError(reason.code, "\(name): \(reason.context)")))
            }
        }
        return (finished, .complete)
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
