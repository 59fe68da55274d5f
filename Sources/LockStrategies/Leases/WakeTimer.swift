import Synchronization

/// One timer for many who wait: it wakes each at its moment, if nothing woke it before.
///
/// A timer for each wait would be made and cancelled for each purchase, and a cancelled sleep of Swift's
/// clock stays with the system until its time has come. The timer ends with the last who waits, so no sleep
/// outlives the calls.
final class WakeTimer: Sendable {
    /// Whoever waits has one that nobody else has.
    typealias Number = UInt64

    private struct Wait: Sendable {
        let signal: WakeSignal
        let moment: ContinuousClock.Instant
    }

    /// The task that sleeps, until a moment that is not later than that of anybody who waits.
    private struct Watch: Sendable {
        let number: Int
        var until: ContinuousClock.Instant
        let task: Task<Void, Never>
    }

    private struct State: Sendable {
        var waits: [Number: Wait] = [:]
        var watch: Watch?
        var lastWatch = 0

        mutating func endWatch() {
            watch?.task.cancel()
            watch = nil
        }

        /// Those whose moment has come, in the order of their numbers.
        mutating func takeDue(at now: ContinuousClock.Instant) -> [WakeSignal] {
            let due = waits.filter { $0.value.moment <= now }.sorted { $0.key < $1.key }
            for (number, _) in due { waits[number] = nil }
            return due.map(\.value.signal)
        }
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (ContinuousClock.Instant) async throws -> Void

    init<C: MonotonicClock>(clock: C) {
        now = { clock.now }
        sleep = { try await clock.sleep(until: $0, tolerance: nil) }
    }

    /// Wakes it at this moment, in place of the one that was said before.
    func wake(_ signal: WakeSignal, at moment: ContinuousClock.Instant, as number: Number) {
        state.withLock { set(Wait(signal: signal, moment: moment), number, &$0) }
    }

    /// Wakes at this moment who is to be woken later.
    func wakeEarlier(_ number: Number, at moment: ContinuousClock.Instant) {
        state.withLock { state in
            guard let wait = state.waits[number], moment < wait.moment else { return }
            set(Wait(signal: wait.signal, moment: moment), number, &state)
        }
    }

    /// It waits no more.
    func forget(_ number: Number) {
        state.withLock { state in
            state.waits[number] = nil
            if state.waits.isEmpty { state.endWatch() }
        }
    }

    private func set(_ wait: Wait, _ number: Number, _ state: inout State) {
        state.waits[number] = wait
        if let watch = state.watch, watch.until <= wait.moment { return }
        state.endWatch()
        state.lastWatch += 1
        let watch = state.lastWatch
        let task = Task(executorPreference: preferredExecutor()) {
            await self.watch(watch, from: wait.moment)
        }
        state.watch = Watch(number: watch, until: wait.moment, task: task)
    }

    /// Wakes whose moment has come, until nobody waits. Whoever was forgotten does not set the sleep back: it
    /// ends, and the next one is until the next moment.
    private func watch(_ number: Int, from first: ContinuousClock.Instant) async {
        var next: ContinuousClock.Instant? = first
        while let moment = next {
            // Cancelled: nobody waits, or another one, until an earlier moment, has taken over.
            guard (try? await sleep(moment)) != nil else { return }
            let time = now()
            let due: [WakeSignal]
            (due, next) = state.withLock { state in
                guard state.watch?.number == number else { return ([], nil) }
                let due = state.takeDue(at: time)
                let next = state.waits.values.map(\.moment).min()
                if let next { state.watch?.until = next } else { state.watch = nil }
                return (due, next)
            }
            for signal in due { signal.signal() }
        }
    }
}
