import Synchronization

/// Makes connections, and leaves a server alone for a while after an attempt that failed.
///
/// What a connection leads to is the affair of `dial`: a server that is named, the master that a Sentinel
/// knows, any node of a cluster.
final class Connector: Sendable {
    /// Takes what the server says without being asked (messages of pub/sub), on an event loop.
    typealias Push = @Sendable (RESPValue) -> Void
    typealias Dial = @Sendable (Push?) async throws(RedisError) -> RedisConnection

    private struct State {
        var failures = 0
        var rest: (until: ContinuousClock.Instant, because: RedisError)?
    }

    private let policy: ReconnectPolicy
    private let patience: Duration
    private let dial: Dial
    private let state = Mutex(State())

    init(limits: RedisClient.Limits, dial: @escaping Dial) {
        policy = ReconnectPolicy(base: limits.reconnectBase, cap: limits.reconnectCap)
        patience = limits.connect
        self.dial = dial
    }

    /// A new connection, ready for commands.
    ///
    /// - Throws: `.unavailable`, at once while the server is left alone.
    func connect(_ push: Push? = nil) async throws(RedisError) -> RedisConnection {
        if let rest = state.withLock(\.rest), ContinuousClock.now < rest.until { throw rest.because }
        let began = ContinuousClock.now
        do throws(RedisError) {
            let connection = try await dial(push)
            state.withLock { $0 = State() }
            return connection
        } catch {
            // All who wait for this attempt learn of it at once.
            let wasQuick = began.duration(to: .now) < patience
            let error = wasQuick ? error.ofLostConnection : error
            let jitter = Double.random(in: 0...1)
            state.withLock { state in
                state.failures += 1
                let pause = policy.pause(afterFailures: state.failures, jitter: jitter)
                state.rest = (.now + pause, error)
            }
            throw error
        }
    }
}
