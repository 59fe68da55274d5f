import NIOCore
import Synchronization

/// A bounded number of connections that are lent to one caller at a time.
final class DedicatedConnections: Sendable {
    typealias Lease = DedicatedPool<RedisConnection>.Lease

    private let connector: Connector
    private let group: any EventLoopGroup
    private let pool: Mutex<DedicatedPool<RedisConnection>>

    init(connector: Connector, limits: RedisClient.Limits, group: any EventLoopGroup) {
        self.connector = connector
        self.group = group
        pool = Mutex(DedicatedPool(capacity: limits.dedicatedConnections) { $0.isActive })
    }

    /// Callers that wait for a connection now.
    var waiting: Int { pool.withLock(\.waiting) }

    /// A connection for the caller alone, to be given back with ``giveBack(_:isClean:)``.
    ///
    /// - Throws: `.unavailable`, `.timedOut` or `.cancelled`; nothing is held then.
    func lease(before deadline: NIODeadline) async throws(RedisError) -> Lease {
        guard !Task.isCancelled else { throw RedisError(.cancelled, "cancelled before it was sent") }
        let completion = Completion<Lease>()
        switch pool.withLock({ $0.request(completion) }) {
        case .lease(let lease):
            return lease
        case .closed:
            throw .clientClosed
        case .wait(let id, let mustConnect):
            if mustConnect { connectSoon() }
            let timer = group.next().scheduleTask(deadline: deadline) {
                _ = completion.finish(
                    .failure(RedisError(.timedOut, "no connection for a transaction within the time limit")))
            }
            defer { timer.cancel() }
            do throws(RedisError) {
                return try await completion.value {
                    RedisError(.cancelled, "cancelled while waiting for a connection")
                }
            } catch {
                pool.withLock { $0.leave(id) }
                throw error
            }
        }
    }

    /// - Parameter isClean: False when the server may still hold something of it (WATCH, MULTI, a reply that
    ///   nobody waits for); the connection is closed then.
    func giveBack(_ lease: Lease, isClean: Bool) {
        let (mustClose, mustConnect) = pool.withLock { $0.giveBack(lease, isClean: isClean) }
        if mustClose { lease.connection.closeSoon() }
        if mustConnect { connectSoon() }
    }

    /// Gives all connections up; what is on its way over them is lost.
    func leave() {
        for connection in pool.withLock(\.connections) { connection.closeSoon() }
    }

    /// Gives up those that nobody has now; the others are looked at when they are given back.
    func leaveIdle() {
        for connection in pool.withLock({ $0.dropIdle() }) { connection.closeSoon() }
    }

    func close() async {
        let (connections, waiters) = pool.withLock { $0.close() }
        for waiter in waiters { waiter.finish(.failure(.clientClosed)) }
        for connection in connections { await connection.close() }
    }

    /// Belongs to the pool, not to the caller: one who is cancelled leaves at once, and the connection serves
    /// the next. Ends within the connect limit.
    private func connectSoon() {
        Task {
            do throws(RedisError) {
                let connection = try await connector.connect()
                let isTaken = pool.withLock { $0.didConnect(connection) }
                if !isTaken { await connection.close() }
            } catch {
                let waiters = pool.withLock { $0.didNotConnect() }
                for waiter in waiters { waiter.finish(.failure(error)) }
            }
        }
    }
}
