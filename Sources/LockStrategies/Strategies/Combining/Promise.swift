import Synchronization

/// A value that one task waits for and another one delivers. The first delivery wins, later ones are dropped.
package final class Promise<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case open
        case awaited(CheckedContinuation<Value, Never>)
        case kept(Value)
        case taken
    }

    private let state = Mutex<State>(.open)

    package init() {}

    /// Waits for the value. To be called once.
    package func value() async -> Value {
        await withCheckedContinuation { continuation in
            let early: Value? = state.withLock { state in
                if case .kept(let value) = state {
                    state = .taken
                    return value
                }
                state = .awaited(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    package func keep(_ value: Value) {
        let waiter: CheckedContinuation<Value, Never>? = state.withLock { state in
            switch state {
            case .open:
                state = .kept(value)
                return nil
            case .awaited(let continuation):
                state = .taken
                return continuation
            case .kept, .taken:
                return nil
            }
        }
        waiter?.resume(returning: value)
    }
}
