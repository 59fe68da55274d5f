import NIOCore
import Synchronization

/// All subscriptions of a client over one connection, which exists while there is a subscription.
///
/// The decisions are ``SubscriptionTable``'s; this class keeps it under a lock and acts.
final class SubscriptionHub: Sendable {
    private struct State {
        var table = SubscriptionTable()
        var connection: RedisConnection?
    }

    private let connector: Connector
    private let limits: RedisClient.Limits
    private let group: any EventLoopGroup
    private let policy: ReconnectPolicy
    private let state = Mutex(State())

    init(connector: Connector, limits: RedisClient.Limits, group: any EventLoopGroup) {
        self.connector = connector
        self.limits = limits
        self.group = group
        policy = ReconnectPolicy(base: limits.reconnectBase, cap: limits.reconnectCap)
    }

    /// Returns once the server has confirmed the subscription. One round trip for the first subscriber of a
    /// channel, none for the others; connecting comes on top for the first one of all.
    ///
    /// - Throws: ``RedisError``, never `.outcomeUnknown`; nothing is subscribed then.
    func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        guard !Task.isCancelled else { throw RedisError(.cancelled, "cancelled before subscribing") }
        let confirmation = Completion<Void>()
        let timer = group.next().scheduleTask(in: TimeAmount(limits.command)) { [self] in
            _ = confirmation.finish(
                .failure(
                    RedisError(
                        .timedOut, "the subscription was not confirmed in time", commandsSent: sent)))
        }
        defer { timer.cancel() }
        let id = change { table in table.add(channel, confirmation, onEvent) }
        do throws(RedisError) {
            try await confirmation.value { [self] in
                RedisError(.cancelled, "cancelled while subscribing", commandsSent: sent)
            }
        } catch {
            leave(id, channel)
            throw error
        }
        return RedisSubscription { [self] in leave(id, channel) }
    }

    /// Gives the connection up, because it leads to the wrong server; the subscribers are told of the gap.
    func leave() {
        state.withLock(\.connection)?.closeSoon()
    }

    /// Ends all subscriptions without telling the subscribers.
    func close() async {
        let connection = state.withLock(\.connection)
        change { table in ((), table.close()) }
        await connection?.close()
    }

    /// Commands of a subscription that has not been confirmed: SUBSCRIBE goes out as soon as there is a
    /// connection.
    private var sent: Int { state.withLock { $0.connection == nil ? 0 : 1 } }

    private func leave(_ id: Int, _ channel: String) {
        change { table in ((), table.remove(id, from: channel)) }
    }

    /// Changes the table and does what it asks for.
    private func change<Value>(
        _ body: (inout SubscriptionTable) -> (Value, [SubscriptionTable.Action])
    ) -> Value {
        let (value, later) = state.withLock { state in
            let (value, actions) = body(&state.table)
            // Under the lock, so that they reach the server in the order of the decisions. Both only put
            // something into a queue; neither calls back.
            return (value, actions.filter { !perform($0, &state) })
        }
        for action in later { perform(action) }
        return value
    }

    /// - Returns: Whether it was an action on the connection, and is done.
    private func perform(_ action: SubscriptionTable.Action, _ state: inout State) -> Bool {
        switch action {
        case .subscribe(let channel, let generation):
            if let connection = state.connection { subscribe(channel, generation, over: connection) }
        case .unsubscribe(let channel):
            state.connection?.enqueue(
                PendingCommand(
                    [RedisCommand("UNSUBSCRIBE", channel)], deadline: .now() + TimeAmount(limits.command)))
        case .disconnect:
            state.connection?.closeSoon()
            state.connection = nil
        case .connect, .rest, .tell, .finish:
            return false
        }
        return true
    }

    private func perform(_ action: SubscriptionTable.Action) {
        switch action {
        case .connect:
            Task { await self.connect() }
        case .rest(let failures):
            let pause = policy.pause(afterFailures: failures, jitter: .random(in: 0...1))
            group.next().scheduleTask(in: TimeAmount(pause)) { [self] in
                change { table in ((), table.retry()) }
            }
        case .tell(let handlers, let event):
            for handler in handlers { handler(event) }
        case .finish(let waiting, let result):
            for completion in waiting { completion.finish(result) }
        case .subscribe, .unsubscribe, .disconnect:
            break
        }
    }

    private func subscribe(_ channel: String, _ generation: Int, over connection: RedisConnection) {
        let deadline = NIODeadline.now() + TimeAmount(limits.command)
        connection.enqueue(
            PendingCommand([RedisCommand("SUBSCRIBE", channel)], deadline: deadline) { [self] result in
                switch result {
                case .success(let replies):
                    if case .error(let reply)? = replies.first {
                        change { table in
                            ((), table.didRefuse(channel, generation: generation, .refused(reply)))
                        }
                    } else {
                        change { table in ((), table.didConfirm(channel, generation: generation)) }
                    }
                case .failure:
                    // Lost, or silent: either way the next connection subscribes again.
                    connection.closeSoon()
                }
            })
    }

    private func connect() async {
        do throws(RedisError) {
            let connection = try await connector.connect { [weak self] value in self?.received(value) }
            change(to: connection)
            // After the table knows of it: a connection that is lost already is reported at once.
            connection.onClose { [self] in lost(connection) }
        } catch {
            change { table in ((), table.didNotConnect(error)) }
        }
    }

    private func change(to connection: RedisConnection) {
        let later = state.withLock { state in
            state.connection = connection
            return state.table.didConnect().filter { !perform($0, &state) }
        }
        for action in later { perform(action) }
    }

    private func lost(_ connection: RedisConnection) {
        let later = state.withLock { state in
            // One that we closed ourselves is no longer ours.
            guard state.connection === connection else { return [SubscriptionTable.Action]() }
            state.connection = nil
            return state.table.didLoseConnection()
        }
        for action in later { perform(action) }
    }

    /// On the connection's event loop.
    private func received(_ value: RESPValue) {
        guard let parts = value.array, parts.count == 3, let channel = parts[1].string else { return }
        let text =
            switch parts[2] {
            case .bulkString(let bytes): String(decoding: bytes, as: UTF8.self)
            default: parts[2].string ?? ""
            }
        for handler in state.withLock({ $0.table.handlers(of: channel) }) { handler(.message(text)) }
    }
}
