import Logging
import Synchronization

/// From which level on lines are written: one value for all loggers of the process, which may change while it
/// runs.
///
/// Reading it costs an atomic load. While a level stands for some time only, it costs a look at the clock as
/// well.
final class LogThreshold: Sendable {
    /// What holds at the moment.
    struct Reading: Sendable, Hashable {
        let level: Logger.Level
        /// What follows, and when; nil when nothing does.
        var next: Next?

        struct Next: Sendable, Hashable {
            let level: Logger.Level
            let after: Duration
        }
    }

    private struct State: Sendable {
        var lasting: Logger.Level
        var passing: (level: Logger.Level, end: ContinuousClock.Instant)?

        mutating func reading(at now: ContinuousClock.Instant) -> Reading {
            guard let passing, passing.end > now else {
                passing = nil
                return Reading(level: lasting)
            }
            let next = Reading.Next(level: lasting, after: now.duration(to: passing.end))
            return Reading(level: passing.level, next: next)
        }
    }

    private static let levels = Logger.Level.allCases
    private static let looksAtClock = -1

    /// Position among the levels, or that the state has to be looked at.
    private let quick: Atomic<Int>
    private let state: Mutex<State>
    private let now: @Sendable () -> ContinuousClock.Instant

    init(_ level: Logger.Level, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        quick = Atomic(Self.position(level))
        state = Mutex(State(lasting: level))
        self.now = now
    }

    var level: Logger.Level {
        let position = quick.load(ordering: .relaxed)
        return position == Self.looksAtClock ? reading.level : Self.levels[position]
    }

    var reading: Reading {
        let now = now()
        return state.withLock { state in
            let reading = state.reading(at: now)
            publish(state)
            return reading
        }
    }

    /// Sets the level for good.
    func set(_ level: Logger.Level) {
        state.withLock { state in
            state = State(lasting: level)
            publish(state)
        }
    }

    /// Sets the level for a while; the one that was set for good holds again afterwards.
    func set(_ level: Logger.Level, for duration: Duration) {
        let end = now() + duration
        state.withLock { state in
            state.passing = (level, end)
            publish(state)
        }
    }

    private func publish(_ state: borrowing State) {
        let position = state.passing == nil ? Self.position(state.lasting) : Self.looksAtClock
        quick.store(position, ordering: .relaxed)
    }

    private static func position(_ level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }
}
