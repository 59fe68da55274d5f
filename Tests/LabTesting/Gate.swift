import Synchronization

/// A door that tasks wait at until a test opens it.
public final class Gate: Sendable {
    private struct State {
        var isOpen: Bool
        var arrivals = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    public init(isOpen: Bool = false) {
        state = Mutex(State(isOpen: isOpen))
    }

    public var isOpen: Bool { state.withLock(\.isOpen) }

    /// Goes through, now or when the gate is opened.
    public func pass() async {
        await withCheckedContinuation { continuation in
            let (passes, told) = state.withLock { state in
                state.arrivals += 1
                let told = state.watchers.filter { $0.count <= state.arrivals }.map(\.1)
                state.watchers.removeAll { $0.count <= state.arrivals }
                if !state.isOpen { state.waiting.append(continuation) }
                return (state.isOpen, told)
            }
            for watcher in told { watcher.resume() }
            if passes { continuation.resume() }
        }
    }

    /// Lets all through who wait, and all who come later.
    public func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for task in waiting { task.resume() }
    }

    /// Waits until `count` tasks have come, through or not.
    public func reached(by count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.arrivals < count else { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
