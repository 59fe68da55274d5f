import Synchronization

/// Work that finishes what calls have begun and that no caller waits for: the release on a lock node that is
/// slower than the majority, a release that a busy server did not take.
///
/// It belongs to whoever owns the strategies, and outlives their calls; ``finish()`` waits for its end. It is
/// bounded: when it is full, the call that would hand work over does the work itself.
public final class FinishingQueue: Sendable {
    typealias Work = @Sendable () async -> Void

    private struct State {
        var underWay = 0
        var isClosed = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: Pieces of work that may be under way at the same time.
    public init(capacity: Int = 1024) {
        self.capacity = capacity
    }

    /// Pieces of work that are under way.
    public var count: Int { state.withLock(\.underWay) }

    /// Its owner waits for the end of all work: nothing is tried again from now on.
    var isClosed: Bool { state.withLock(\.isClosed) }

    /// Starts all of the work at once.
    ///
    /// - Returns: False when it does not fit: nothing was started then.
    func start(_ work: [Work]) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.underWay + work.count <= capacity else { return false }
            state.underWay += work.count
            return true
        }
        guard isTaken else { return false }
        for piece in work {
            Task(executorPreference: preferredExecutor()) { [self] in
                await piece()
                ended()
            }
        }
        return true
    }

    /// Takes no more work, and returns when all that was taken has ended: after the time limit of one
    /// command, or of the one that is under way. Call it before the connections to Redis are closed.
    public func finish() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isClosed = true
                if state.underWay > 0 { state.waiting.append(continuation) }
                return state.underWay == 0
            }
            if isIdle { continuation.resume() }
        }
    }

    private func ended() {
        let waiting = state.withLock { state in
            state.underWay -= 1
            guard state.underWay == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
