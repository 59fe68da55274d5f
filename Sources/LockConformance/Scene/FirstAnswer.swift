import Synchronization

/// The answer of a call, or that none came in time. A call that is late is cancelled and not waited for: what
/// is judged may not end at all.
final class FirstAnswer<Value: Sendable>: Sendable {
    private struct State {
        var isDecided = false
        var value: Value?
        var waiter: CheckedContinuation<Value?, Never>?
    }

    private let state = Mutex(State())

    /// - Returns: Nil when nothing came in time.
    static func within(
        _ limit: Duration, _ call: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let first = FirstAnswer()
        let task = Task { first.decide(await call()) }
        let timer = Task {
            try? await Task.sleep(for: limit)
            first.decide(nil)
        }
        let value = await withTaskCancellationHandler {
            await first.answer()
        } onCancel: {
            task.cancel()
        }
        task.cancel()
        timer.cancel()
        return value
    }

    private func decide(_ value: Value?) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            guard !state.isDecided else { return nil }
            (state.isDecided, state.value) = (true, value)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: value)
    }

    private func answer() async -> Value? {
        await withCheckedContinuation { continuation in
            let isDecided = state.withLock { state in
                if !state.isDecided { state.waiter = continuation }
                return state.isDecided
            }
            if isDecided { continuation.resume(returning: state.withLock(\.value)) }
        }
    }
}
