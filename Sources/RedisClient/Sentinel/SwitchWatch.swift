import NIOCore
import Synchronization

/// Listens to a Sentinel for the news that the master was replaced.
///
/// Without it a client would go on writing to the old master until the Sentinels have made a replica of it,
/// which takes them about ten seconds when it did not die; what it writes there is lost.
final class SwitchWatch: Sendable {
    private struct State {
        var isWatching = false
        var isClosed = false
        var subscription: RedisSubscription?
        /// Was the master before the last switch: a Sentinel that still names it has not heard yet.
        var retired: RedisHost?
        var onSwitch: @Sendable () -> Void = {}
    }

    private let master: String
    private let hub: SubscriptionHub
    private let state = Mutex(State())

    /// - Parameter connector: Leads to any Sentinel.
    init(
        master: String, connector: Connector, limits: RedisClient.Limits, group: any EventLoopGroup
    ) {
        self.master = master
        hub = SubscriptionHub(connector: connector, limits: limits, group: group)
    }

    /// Whether `host` was replaced, as far as is known here.
    func isRetired(_ host: RedisHost) -> Bool {
        state.withLock { $0.retired == host }
    }

    /// - Parameter body: Called on an event loop when there is, or may be, another master.
    func onSwitch(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onSwitch = body }
    }

    /// Begins to listen, unless it does already; does not wait. When no Sentinel is in reach, the next call
    /// tries again.
    func start() {
        let isFirst = state.withLock { state in
            guard !state.isWatching, !state.isClosed else { return false }
            state.isWatching = true
            return true
        }
        guard isFirst else { return }
        Task {
            let subscription = try? await hub.subscribe(to: "+switch-master") { [weak self] event in
                self?.take(event)
            }
            state.withLock { state in
                state.isWatching = subscription != nil
                state.subscription = subscription
            }
        }
    }

    func close() async {
        state.withLock { $0.isClosed = true }
        await hub.close()
    }

    /// `shop 10.0.0.1 6379 10.0.0.2 6379`: name, old address, new address.
    private func take(_ event: RedisSubscriptionEvent) {
        switch event {
        case .message(let text):
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 5, words[0] == master, let port = Int(words[2]) else { return }
            let tell = state.withLock { state in
                state.retired = RedisHost(words[1], port)
                return state.onSwitch
            }
            tell()
        case .restored:
            // There may have been a switch during the gap.
            state.withLock(\.onSwitch)()
        case .interrupted:
            break
        }
    }
}
