import Synchronization

/// Wakes one task, again and again. A signal that comes while the task is awake is kept: no wake-up is lost.
final class WakeSignal: Sendable {
    private enum State: Sendable {
        case idle
        case signalled
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex<State>(.idle)

    /// Waits for a signal, or takes the one that was kept. Ends at once when the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let wasSignalled = state.withLock { state in
                    if case .signalled = state {
                        state = .idle
                        return true
                    }
                    state = .waiting(continuation)
                    return false
                }
                if wasSignalled { continuation.resume() }
            }
        } onCancel: {
            signal()
        }
    }

    /// Waits for a signal until `instant` at most.
    ///
    /// - Returns: False when the sleep was cancelled before either came.
    func wait<C: MonotonicClock>(until instant: ContinuousClock.Instant, on clock: C) async -> Bool {
        let alarm = Alarm()
        async let _: Void = alarm.ring(at: instant, on: clock, self)
        await wait()
        // Here the sleep is cancelled and waited for, whatever woke us.
        return alarm.end()
    }

    /// One timed wait, so that the end of its sleep cannot be taken for the failure of a later one.
    private final class Alarm: Sendable {
        private enum State: Sendable {
            case running
            case failed
            case ended
        }

        private let state = Mutex(State.running)

        func ring<C: MonotonicClock>(
            at instant: ContinuousClock.Instant, on clock: C, _ signal: WakeSignal
        ) async {
            do {
                try await clock.sleep(until: instant, tolerance: nil)
            } catch {
                state.withLock { if case .running = $0 { $0 = .failed } }
            }
            if state.withLock({ if case .ended = $0 { false } else { true } }) { signal.signal() }
        }

        func end() -> Bool {
            state.withLock { state in
                defer { state = .ended }
                if case .failed = state { return false }
                return true
            }
        }
    }

    /// Drops a signal that was kept.
    func reset() {
        state.withLock { state in
            if case .signalled = state { state = .idle }
        }
    }

    func signal() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            switch state {
            case .idle, .signalled:
                state = .signalled
                return nil
            case .waiting(let continuation):
                state = .idle
                return continuation
            }
        }
        waiter?.resume()
    }
}
