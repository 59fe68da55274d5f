import RedisClient
import Synchronization

/// One subscription of a simulated process: its connection, which is made again after it was lost.
final class SubscriptionLine: Sendable {
    private struct State {
        var connection: SimulatedConnection?
        var isEnded = false
    }

    private let channel: String
    private let onEvent: @Sendable (RedisSubscriptionEvent) -> Void
    private let process: SimulatedProcess
    private let connect: @Sendable () -> SimulatedConnection
    private let state = Mutex(State())

    /// How long it waits before it tries to connect again.
    private static let pause: World.Moment = 20_000_000

    init(
        channel: String, of process: SimulatedProcess,
        onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void,
        connect: @escaping @Sendable () -> SimulatedConnection
    ) {
        self.channel = channel
        self.process = process
        self.onEvent = onEvent
        self.connect = connect
    }

    /// A connection on which messages are heard as soon as the server has the subscription.
    func begin() -> SimulatedConnection {
        let connection = connect()
        connection.listen(onMessage: { [self] in onEvent(.message($0)) }, onCut: {})
        state.withLock { $0.connection = connection }
        return connection
    }

    /// The server has confirmed it: from now on it is made again whenever it is lost.
    func stands(in world: World, _ network: Network) {
        guard let connection = state.withLock({ $0.isEnded ? nil : $0.connection }) else { return }
        let onCut: @Sendable () -> Void = { [self] in
            onEvent(.interrupted)
            again(in: world, network)
        }
        guard !connection.isCut else { return onCut() }
        connection.listen(onMessage: { [self] in onEvent(.message($0)) }, onCut: onCut)
    }

    private func again(in world: World, _ network: Network) {
        world.plan(at: world.now + Self.pause) { [self] in
            guard !state.withLock(\.isEnded), !process.isDead else { return }
            begin().send([RedisCommand("SUBSCRIBE", channel)]) { [self] result in
                guard case .success = result else { return again(in: world, network) }
                stands(in: world, network)
                if !state.withLock(\.isEnded) { onEvent(.restored) }
            }
        }
    }

    func end() {
        let connection = state.withLock { state in
            state.isEnded = true
            return state.connection
        }
        connection?.close()
    }
}
