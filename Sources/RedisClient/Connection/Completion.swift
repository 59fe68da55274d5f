import Synchronization

/// A value that one task waits for and another place delivers, once.
///
/// Whoever finishes first wins; what comes later is dropped. Cancelling the waiter finishes at once.
final class Completion<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case idle
        case waiting(CheckedContinuation<Result<Value, RedisError>, Never>)
        case finished(Result<Value, RedisError>)
        case taken
    }

    private let state = Mutex(State.idle)

    /// Waits for the value. To be called once.
    func value(onCancel: @Sendable @escaping () -> RedisError) async throws(RedisError) -> Value {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early: Result<Value, RedisError>? = state.withLock { state in
                    if case .finished(let result) = state {
                        state = .taken
                        return result
                    }
                    state = .waiting(continuation)
                    return nil
                }
                if let early { continuation.resume(returning: early) }
            }
        } onCancel: {
            finish(.failure(onCancel()))
        }
        return try result.get()
    }

    /// - Returns: Whether this was the first result.
    @discardableResult
    func finish(_ result: Result<Value, RedisError>) -> Bool {
        let last = state.withLock { state in
            defer {
                switch state {
                case .idle: state = .finished(result)
                case .waiting: state = .taken
                case .finished, .taken: break
                }
            }
            return state
        }
        switch last {
        case .idle: break
        case .waiting(let continuation): continuation.resume(returning: result)
        case .finished, .taken: return false
        }
        return true
    }

    var isFinished: Bool {
        state.withLock { state in
            switch state {
            case .idle, .waiting: false
            case .finished, .taken: true
            }
        }
    }
}
