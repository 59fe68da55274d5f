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
