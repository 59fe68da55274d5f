import LockStrategies
import Synchronization

/// A process of a simulated world: its tasks, and its clock.
package struct SimulatedProcess: Sendable {
    package let world: World
    package let number: Int
    package let clock: SimulatedClock
    private let executor: ProcessExecutor

    /// Starts a task. It and all that it starts run in the world alone.
    package func start(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: executor) { await body() }
    }

    /// Is told when the process dies.
    package func onDeath(_ action: @escaping @Sendable () -> Void) {
        world.state.withLock { $0.onDeath(of: number, action) }
    }

    package var isDead: Bool { world.state.withLock { $0.processes[number].phase == .dead } }

    /// Tasks of it that sleep now.
    package var sleepers: Int { world.state.withLock { $0.sleepers(of: number) } }

    /// No task of it goes on until ``proceed()``; what it has sent is on its way.
    package func stop() {
        world.tell(.process(number), "is stopped")
        world.state.withLock { $0.setPhase(.stopped, of: number) }
    }

    package func proceed() {
        world.tell(.process(number), "goes on")
        world.state.withLock { $0.setPhase(.running, of: number) }
    }

    /// Its connections end, and its tasks do nothing any more that anybody could notice.
    package func die() {
        world.tell(.process(number), "is killed")
        let (deaths, sleepers) = world.state.withLock { $0.die(number) }
        for death in deaths { death() }
        for sleeper in sleepers { sleeper.resume() }
    }

    init(_ world: World, number: Int, executor: ProcessExecutor, drift: Int64) {
        self.world = world
        self.number = number
        self.executor = executor
        clock = SimulatedClock(world: world, process: number, drift: drift)
    }
}

extension World {
    /// A process whose tasks run in this world.
    ///
    /// - Parameter drift: Its clock goes so many millionths faster than the world's.
    package func makeProcess(drift: Int64 = 0) -> SimulatedProcess {
        state.withLock { state in
            let number = state.addProcess { ProcessExecutor(self, process: $0) }
            return SimulatedProcess(
                self, number: number, executor: state.processes[number].executor, drift: drift)
        }
    }

    func isReady(_ job: UnownedJob, of process: Int) {
        state.withLock { $0.add(job, of: process) }
    }
}

/// The monotonic clock of a simulated process.
package struct SimulatedClock: MonotonicClock {
    let world: World
    let process: Int
    /// Millionths by which it goes faster than the world's clock.
    let drift: Int64

    /// Moments of all worlds are counted from here.
    private static let origin = ContinuousClock.now

    package typealias Instant = ContinuousClock.Instant
    package typealias Duration = Swift.Duration

    package var now: Instant {
        let moment = world.state.withLock { state in
            state.processes[process].phase == .dead ? state.timeOfTheDead(process) : state.now
        }
        return Self.origin + .nanoseconds(local(moment))
    }

    package var minimumResolution: Duration { .nanoseconds(1) }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let moment = moment(of: deadline)
        let event = world.number()
        // The tasks of a dead process do not sleep. They take turns, so that each comes to its end.
        if world.state.withLock({ $0.processes[process].phase == .dead }) { return await Task.yield() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (sleeper: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled { return sleeper.resume(throwing: CancellationError()) }
                if !world.sleep(sleeper, event: event, until: moment, process: process) { sleeper.resume() }
            }
        } onCancel: {
            world.wake(event)?.resume(throwing: CancellationError())
        }
    }

    private func local(_ moment: World.Moment) -> World.Moment { moment + moment / 1_000_000 * drift }

    /// The first moment of the world at which this clock shows the instant.
    private func moment(of instant: Instant) -> World.Moment {
        let shown = Int64(Self.origin.duration(to: instant) / .nanoseconds(1))
        var moment = shown - shown / (1_000_000 + drift) * drift
        while local(moment) < shown { moment += 1_000 }
        return moment
    }
}

extension World {
    /// False when the process is dead: it does not sleep.
    fileprivate func sleep(
        _ sleeper: WorldState.Sleeper, event: Int, until moment: Moment, process: Int
    ) -> Bool {
        state.withLock { state in
            guard state.processes[process].phase != .dead else { return false }
            state.addSleeper(sleeper, event: event, process: process)
            state.add(
                WorldState.Event(at: max(moment, state.now), number: event, line: event, reach: .hidden) {
                    [self] in wake(event)?.resume()
                })
            return true
        }
    }

    /// Whoever sleeps until this event, if anybody does; it does not wait any more.
    fileprivate func wake(_ event: Int) -> WorldState.Sleeper? {
        state.withLock { state in
            state.remove(event)
            return state.takeSleeper(event)
        }
    }
}
