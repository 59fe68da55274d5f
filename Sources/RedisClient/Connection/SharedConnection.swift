import NIOCore
import Synchronization

/// The one connection that the commands of all tasks share: made by the first command, and made again by the
/// first command after it was lost.
final class SharedConnection: Sendable {
    private enum Link {
        case idle
        case connecting([Completion<RedisConnection>])
        case connected(RedisConnection)
        case closed
    }

    private enum Step {
        case use(RedisConnection)
        case wait
        case connect
        case fail(RedisError)
    }

    private let connector: Connector
    private let group: any EventLoopGroup
    private let link = Mutex(Link.idle)

    init(connector: Connector, group: any EventLoopGroup) {
        self.connector = connector
        self.group = group
    }

    /// Sends commands in one piece and waits for their replies.
    ///
    /// - Parameters:
    ///   - mayRepeat: Asked when the connection ended between being handed out and the write, so that nothing
    ///     was sent; whether the commands are sent over the next one.
    ///   - onReplica: Called with the connection when a reply shows that it leads to a replica.
    func exchange(
        _ commands: [RedisCommand], before deadline: NIODeadline, mayRepeat: () -> Bool,
        onReplica: (RedisConnection) -> Void
    ) async throws(RedisError) -> [RESPValue] {
        var connection = try await connection(before: deadline)
        let replies: [RESPValue]
        do throws(RedisError) {
            replies = try await connection.exchange(commands, before: deadline)
        } catch {
            guard error.code == .unavailable, error.reply == nil, mayRepeat() else { throw error }
            connection = try await self.connection(before: deadline)
            replies = try await connection.exchange(commands, before: deadline)
        }
        if replies.contains(where: { $0.error?.isOfReplica == true }) { onReplica(connection) }
        return replies
    }

    /// Gives the connection up, and lets what is on its way still get its replies; the next command makes a
    /// new one.
    ///
    /// - Parameter connection: Only if it is this one; nil: whichever it is.
    func leaveLater(_ connection: RedisConnection?) {
        let left: RedisConnection? = link.withLock { link in
            guard case .connected(let current) = link, connection == nil || connection === current else {
                return nil
            }
            link = .idle
            return current
        }
        left?.closeLater()
    }

    /// Gives the connection up; the next command makes a new one. Commands on their way lose their replies.
    func leave() {
        let connection: RedisConnection? = link.withLock { link in
            guard case .connected(let connection) = link else { return nil }
            link = .idle
            return connection
        }
        connection?.closeSoon()
    }

    /// Closes the connection; every later command fails with `.unavailable`.
    func close() async {
        let last = link.withLock { link in
            defer { link = .closed }
            return link
        }
        switch last {
        case .connected(let connection):
            await connection.close()
        case .connecting(let waiters):
            for waiter in waiters { waiter.finish(.failure(.clientClosed)) }
        case .idle, .closed:
            break
        }
    }

    private func connection(before deadline: NIODeadline) async throws(RedisError) -> RedisConnection {
        // As nearly every call finds it: nothing is made for a wait that does not come.
        let open: RedisConnection? = link.withLock { link in
            guard case .connected(let connection) = link, connection.isActive else { return nil }
            return connection
        }
        if let open { return open }
        let waiter = Completion<RedisConnection>()
        switch link.withLock({ Self.next(&$0, waiter: waiter) }) {
        case .use(let connection):
            return connection
        case .fail(let error):
            throw error
        case .connect:
            // Belongs to the client, not to the caller: a cancelled caller must not fail the others who
            // wait for the same connection. It ends within the connect limit.
            Task { await self.connect() }
        case .wait:
            break
        }
        let timer = group.next().scheduleTask(deadline: deadline) {
            _ = waiter.finish(.failure(RedisError(.timedOut, "no connection within the time limit")))
        }
        defer { timer.cancel() }
        return try await waiter.value { RedisError(.cancelled, "cancelled while connecting") }
    }

    private static func next(_ link: inout Link, waiter: Completion<RedisConnection>) -> Step {
        switch link {
        case .connected(let connection) where connection.isActive:
            return .use(connection)
        case .connecting(let waiters):
            link = .connecting(waiters + [waiter])
            return .wait
        case .idle, .connected:
            link = .connecting([waiter])
            return .connect
        case .closed:
            return .fail(.clientClosed)
        }
    }

    private func connect() async {
        let result: Result<RedisConnection, RedisError>
        do throws(RedisError) {
            result = .success(try await connector.connect())
        } catch {
            result = .failure(error)
        }
        let waiters: [Completion<RedisConnection>]? = link.withLock { link in
            guard case .connecting(let waiters) = link else { return nil }
            switch result {
            case .success(let connection): link = .connected(connection)
            case .failure: link = .idle
            }
            return waiters
        }
        guard let waiters else {
            // Closed in the meantime.
            if case .success(let connection) = result { await connection.close() }
            return
        }
        for waiter in waiters { waiter.finish(result) }
    }
}
