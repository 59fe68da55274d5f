import NIOCore
import Synchronization

/// Listens to every Sentinel for the news that the master was replaced.
///
/// Without it a client would go on writing to the old master until the Sentinels have made a replica of it,
/// which takes them about ten seconds when it did not die; what it writes there is lost.
final class SwitchWatch: Sendable {
    enum News: Sendable, Hashable {
        case switched(from: RedisHost, to: RedisHost)
        /// There may have been a switch while nobody listened.
        case gap
    }

    private struct State {
        var listeners: [Task<Void, Never>] = []
        var subscriptions: [RedisSubscription] = []
        var isClosed = false
        /// Was the master before the last switch, and how long that counts.
        var retired: (host: RedisHost, until: ContinuousClock.Instant)?
        var count = 0
        var onNews: @Sendable (News) -> Void = { _ in }
    }

    /// How long a Sentinel may go on naming the old master after another one has told of the switch. After
    /// that its word counts again: the old master may be the master anew, and nobody has told of it.
    private static let hearsay = Duration.seconds(10)

    private let master: String
    private let hubs: [SubscriptionHub]
    private let pause: Duration
    private let state = Mutex(State())

    /// - Parameter connectors: One to each Sentinel.
    init(
        master: String, connectors: [Connector], limits: RedisClient.Limits, group: any EventLoopGroup
    ) {
        self.master = master
        hubs = connectors.map { SubscriptionHub(connector: $0, limits: limits, group: group) }
        pause = limits.reconnectCap
    }

    /// Whether `host` was replaced a moment ago, as far as is known here.
    func isRetired(_ host: RedisHost) -> Bool {
        state.withLock { $0.retired.map { $0.host == host && $0.until > .now } ?? false }
    }

    /// The Sentinels' word counts again, whomever they name.
    func forget() {
        state.withLock { $0.retired = nil }
    }

    /// Rises with each piece of news: what was asked before may not hold any more.
    var count: Int { state.withLock(\.count) }

    /// - Parameter body: Called on an event loop.
    func onNews(_ body: @escaping @Sendable (News) -> Void) {
        state.withLock { $0.onNews = body }
    }

    /// Begins to listen, unless it does already; does not wait. Asks each Sentinel again until it listens to
    /// all of them.
    func start() {
        state.withLock { state in
            guard state.listeners.isEmpty, !state.isClosed else { return }
            state.listeners = hubs.map { hub in Task { [weak self] in await self?.listen(to: hub) } }
        }
    }

    private func listen(to hub: SubscriptionHub) async {
        while !Task.isCancelled {
            do throws(RedisError) {
                let subscription = try await hub.subscribe(to: "+switch-master") { [weak self] event in
                    self?.take(event)
                }
                return state.withLock { $0.subscriptions.append(subscription) }
            } catch {
                // No Sentinel there, or one that does not answer.
                guard (try? await Task.sleep(for: pause)) != nil else { return }
            }
        }
    }

    func close() async {
        let listeners = state.withLock { state in
            state.isClosed = true
            return state.listeners
        }
        for listener in listeners { listener.cancel() }
        for hub in hubs { await hub.close() }
    }

    /// `shop 10.0.0.1 6379 10.0.0.2 6379`: name, old address, new address.
    private func take(_ event: RedisSubscriptionEvent) {
        switch event {
        case .message(let text):
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 5, words[0] == master, let from = Int(words[2]), let to = Int(words[4])
            else {
                return
            }
            let old = RedisHost(words[1], from)
            tell(.switched(from: old, to: RedisHost(words[3], to))) { state in
                state.retired = (old, .now + Self.hearsay)
            }
        case .restored:
            tell(.gap) { $0.retired = nil }
        case .interrupted:
            break
        }
    }

    private func tell(_ news: News, _ change: (inout State) -> Void) {
        let body = state.withLock { state in
            change(&state)
            state.count += 1
            return state.onNews
        }
        body(news)
    }
}
