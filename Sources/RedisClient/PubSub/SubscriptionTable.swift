/// Who listens to which channel, and what has to be done about it.
///
/// Pure: events in, actions out. Whoever holds it keeps the order of the actions of one call, and sends
/// SUBSCRIBE and UNSUBSCRIBE in the order of the calls.
struct SubscriptionTable {
    typealias Handler = @Sendable (RedisSubscriptionEvent) -> Void

    enum Action {
        case connect
        /// Call ``retry()`` after the pause that follows so many failures.
        case rest(failures: Int)
        /// `generation` comes back with the answer, so that an old one is recognised.
        case subscribe(String, generation: Int)
        case unsubscribe(String)
        case disconnect
        case tell([Handler], RedisSubscriptionEvent)
        case finish([Completion<Void>], Result<Void, RedisError>)
    }

    private enum Link {
        case idle, connecting, connected, resting, closed
    }

    private struct Subscriber {
        let id: Int
        let handler: Handler
        /// Waits for the server's word; nil once it came.
        var confirmation: Completion<Void>?
        var isInterrupted = false
    }

    private struct Entry {
        let generation: Int
        var isConfirmed = false
        /// In the order in which they came.
        var subscribers: [Subscriber] = []
    }

    private var link = Link.idle
    private var channels: [String: Entry] = [:]
    private var failures = 0
    private var lastNumber = 0

    var isEmpty: Bool { channels.isEmpty }

    func handlers(of channel: String) -> [Handler] {
        channels[channel]?.subscribers.map(\.handler) ?? []
    }

    mutating func add(
        _ channel: String, _ confirmation: Completion<Void>, _ handler: @escaping Handler
    ) -> (id: Int, actions: [Action]) {
        let id = number()
        guard link != .closed else {
            return (id, [.finish([confirmation], .failure(.clientClosed))])
        }
        let isNew = channels[channel] == nil
        var entry = channels[channel] ?? Entry(generation: number())
        var subscriber = Subscriber(id: id, handler: handler)
        var actions: [Action] = []
        if entry.isConfirmed {
            actions = [.finish([confirmation], .success(()))]
        } else {
            subscriber.confirmation = confirmation
        }
        entry.subscribers.append(subscriber)
        channels[channel] = entry
        if link == .idle {
            link = .connecting
            actions.append(.connect)
        } else if link == .connected && isNew {
            actions.append(.subscribe(channel, generation: entry.generation))
        }
        return (id, actions)
    }

    /// A subscriber leaves, confirmed or not; one that left already is no error.
    mutating func remove(_ id: Int, from channel: String) -> [Action] {
        guard var entry = channels[channel],
            let index = entry.subscribers.firstIndex(where: { $0.id == id })
        else { return [] }
        entry.subscribers.remove(at: index)
        channels[channel] = entry.subscribers.isEmpty ? nil : entry
        guard link == .connected, entry.subscribers.isEmpty else { return [] }
        return channels.isEmpty ? disconnect() : [.unsubscribe(channel)]
    }

    mutating func didConnect() -> [Action] {
        guard link == .connecting else { return [.disconnect] }
        guard !channels.isEmpty else { return disconnect() }
        link = .connected
        // Their generations are new: an answer that was meant for the lost connection confirms nothing.
        return channels.keys.sorted().map { channel in
            let generation = number()
            let old = channels[channel]?.subscribers ?? []
            channels[channel] = Entry(generation: generation, subscribers: old)
            return .subscribe(channel, generation: generation)
        }
    }

    /// Those who wait for a first confirmation are told; those who had one wait for the next attempt.
    mutating func didNotConnect(_ error: RedisError) -> [Action] {
        guard link == .connecting else { return [] }
        let waiting = channels.values.flatMap { $0.subscribers.compactMap(\.confirmation) }
        for (channel, entry) in channels {
            var entry = entry
            entry.subscribers.removeAll { $0.confirmation != nil }
            channels[channel] = entry.subscribers.isEmpty ? nil : entry
        }
        let told: [Action] = waiting.isEmpty ? [] : [.finish(waiting, .failure(error))]
        return told + rest()
    }

    mutating func didLoseConnection() -> [Action] {
        guard link == .connected else { return [] }
        var interrupted: [Handler] = []
        for (channel, entry) in channels {
            var entry = entry
            entry.isConfirmed = false
            for index in entry.subscribers.indices where entry.subscribers[index].confirmation == nil {
                if !entry.subscribers[index].isInterrupted {
                    interrupted.append(entry.subscribers[index].handler)
                }
                entry.subscribers[index].isInterrupted = true
            }
            channels[channel] = entry
        }
        let told: [Action] = interrupted.isEmpty ? [] : [.tell(interrupted, .interrupted)]
        return told + rest()
    }

    /// The pause is over.
    mutating func retry() -> [Action] {
        guard link == .resting else { return [] }
        link = channels.isEmpty ? .idle : .connecting
        return channels.isEmpty ? [] : [.connect]
    }

    mutating func didConfirm(_ channel: String, generation: Int) -> [Action] {
        guard var entry = channels[channel], entry.generation == generation else { return [] }
        failures = 0
        let waiting = entry.subscribers.compactMap(\.confirmation)
        let interrupted = entry.subscribers.filter(\.isInterrupted).map(\.handler)
        entry.isConfirmed = true
        for index in entry.subscribers.indices {
            entry.subscribers[index].confirmation = nil
            entry.subscribers[index].isInterrupted = false
        }
        channels[channel] = entry
        var actions: [Action] = []
        if !interrupted.isEmpty { actions.append(.tell(interrupted, .restored)) }
        if !waiting.isEmpty { actions.append(.finish(waiting, .success(()))) }
        return actions
    }

    /// The server answered SUBSCRIBE with an error (no permission). Whoever was confirmed before stays
    /// interrupted and is taken along by the next connection.
    mutating func didRefuse(_ channel: String, generation: Int, _ error: RedisError) -> [Action] {
        guard var entry = channels[channel], entry.generation == generation else { return [] }
        let waiting = entry.subscribers.compactMap(\.confirmation)
        entry.subscribers.removeAll { $0.confirmation != nil }
        channels[channel] = entry.subscribers.isEmpty ? nil : entry
        let told: [Action] = [.finish(waiting, .failure(error))]
        return channels.isEmpty && link == .connected ? told + disconnect() : told
    }

    mutating func close() -> [Action] {
        let wasConnected = link == .connected
        let waiting = channels.values.flatMap { $0.subscribers.compactMap(\.confirmation) }
        channels = [:]
        link = .closed
        return [.finish(waiting, .failure(.clientClosed))]
            + (wasConnected ? [.disconnect] : [])
    }

    private mutating func disconnect() -> [Action] {
        link = .idle
        failures = 0
        return [.disconnect]
    }

    private mutating func rest() -> [Action] {
        guard !channels.isEmpty else {
            link = .idle
            return []
        }
        link = .resting
        failures += 1
        return [.rest(failures: failures)]
    }

    private mutating func number() -> Int {
        lastNumber += 1
        return lastNumber
    }
}
