public import LockStrategies
import Synchronization

/// A clock on which a sleep takes no time: it moves the clock to its end and notes its length.
public final class SkippingClock: MonotonicClock {
    public typealias Instant = ContinuousClock.Instant

    private struct State {
        var now: Instant
        var sleeps: [Duration] = []
    }

    private let state: Mutex<State>
    private let beforeSleep: @Sendable () -> Void

    /// - Parameter beforeSleep: Called at the start of each sleep, for example to cancel the task.
    public init(beforeSleep: @escaping @Sendable () -> Void = {}) {
        state = Mutex(State(now: ContinuousClock.now))
        self.beforeSleep = beforeSleep
    }

    public var now: Instant { state.withLock { $0.now } }
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Every pause that was asked for, in order.
    public var sleeps: [Duration] { state.withLock { $0.sleeps } }

    public func advance(by duration: Duration) {
        state.withLock { $0.now += duration }
    }

    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        beforeSleep()
        try Task.checkCancellation()
        state.withLock { state in
            state.sleeps.append(state.now.duration(to: deadline))
            state.now = max(state.now, deadline)
        }
        await Task.yield()
    }
}
