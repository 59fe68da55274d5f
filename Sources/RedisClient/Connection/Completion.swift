import Synchronization

/// A value that one task waits for and another place delivers, once.
///
/// Whoever finishes first wins; what comes later is dropped. Cancelling the waiter finishes at once. Instead
/// of a task, a closure can take the value.
final class Completion<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case idle
        case waiting(CheckedContinuation<Result<Value, RedisError>, Never>)
        case watched(Then)
        case finished(Result<Value, RedisError>)
        case taken
    }

    typealias Then = @Sendable (Result<Value, RedisError>) -> Void

    private let state: Mutex<State>

    /// - Parameter then: Called with the value by whoever finishes, instead of a task that waits.
    init(then: Then? = nil) {
        state = Mutex(then.map { .watched($0) } ?? .idle)
    }

    /// Waits for the value. To be called once, and not where a closure takes it.
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
                case .waiting, .watched: state = .taken
                case .finished, .taken: break
                }
            }
            return state
        }
        switch last {
        case .idle: break
        case .waiting(let continuation): continuation.resume(returning: result)
        case .watched(let then): then(result)
        case .finished, .taken: return false
        }
        return true
    }

    var isFinished: Bool {
        state.withLock { state in
            switch state {
            case .idle, .waiting, .watched: false
            case .finished, .taken: true
            }
        }
    }
}
