public import LockStrategies
import Synchronization

/// Advisory locks in memory. Nobody waits: a lock that another session holds is contended at once.
public final class ScriptedAdvisoryLocks: AdvisoryLocks {
    private struct State {
        var held: Set<Int64> = []
        var ended = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// The numbers that sessions hold.
    public var held: Set<Int64> { state.withLock { $0.held } }

    /// Sessions that were ended instead of unlocked.
    public var ended: Int { state.withLock { $0.ended } }

    public func lock(
        _ number: Int64, within limit: Duration
    ) async throws(StrategyError) -> (any AdvisorySession)? {
        state.withLock { $0.held.insert(number).inserted } ? Session(locks: self, number: number) : nil
    }

    private struct Session: AdvisorySession {
        let locks: ScriptedAdvisoryLocks
        let number: Int64

        var isAlive: Bool { locks.held.contains(number) }

        func unlock() async throws(StrategyError) -> Bool {
            locks.state.withLock { $0.held.remove(number) != nil }
        }

        func end(after delay: Duration) {
            locks.state.withLock { state in
                state.held.remove(number)
                state.ended += 1
            }
        }
    }
}
