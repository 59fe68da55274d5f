import NIOCore
import Synchronization

/// Everything that a client keeps open towards one server, except subscriptions.
final class ServerLink: Sendable {
    private let shared: SharedConnection
    private let dedicated: DedicatedConnections
    private let onReplica: @Sendable () -> Void
    private let lastReplica = Mutex<ContinuousClock.Instant?>(nil)
    private static let leastPause = Duration.milliseconds(100)
    private let circuit: Circuit
    private let retries = Mutex(RetryBudget())

    /// - Parameter onReplica: Called when the server turned out to be a replica. Its connections are left,
    ///   because the next one may lead to another server: a name, or an address, that was moved.
    init(
        to name: String, connector: Connector, limits: RedisClient.Limits, group: any EventLoopGroup,
        onReplica: @escaping @Sendable () -> Void = {}
    ) {
        self.onReplica = onReplica
        circuit = Circuit(limits.circuit, server: name)
        shared = SharedConnection(connector: connector, group: group)
        dedicated = DedicatedConnections(connector: connector, limits: limits, group: group)
    }

    /// Transactions that wait for a connection now.
    var waitingTransactions: Int { dedicated.waiting }

    /// The server is left alone, because it did not answer.
    var isLeftAlone: Bool { circuit.isOpen }

    /// Sends commands in one piece over the shared connection. One round trip.
    func exchange(
        _ commands: [RedisCommand], before deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        retries.withLock { $0.noteCall() }
        return try await circuit.run { () throws(RedisError) in
            try await shared.exchange(
                commands, before: deadline, mayRepeat: { mayRetry },
                onReplica: { leaveReplica(seenOver: $0) })
        }
    }

    /// The server says that it is a replica: its name may lead to another one now, so all connections are
    /// left, but for a server that stays one not again and again.
    private func leaveReplica(seenOver connection: RedisConnection?) {
        let now = ContinuousClock.now
        let isNews = lastReplica.withLock { last in
            if let before = last, before.duration(to: now) < Self.leastPause { return false }
            last = now
            return true
        }
        guard isNews else { return }
        shared.leaveLater(connection)
        dedicated.leaveIdle()
        onReplica()
    }

    private var mayRetry: Bool { retries.withLock { $0.takeRetry() } }

    /// See ``RedisClient/transaction(watching:reading:decide:)``.
    func transaction<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>, before deadline: NIODeadline,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        // Before the wait for a connection, which is no matter of the server's.
        try circuit.check()
        retries.withLock { $0.noteCall() }
        let lease = try await dedicated.lease(before: deadline)
        let ticket: CircuitBreaker.Ticket?
        do throws(RedisError) {
            ticket = try circuit.enter()
        } catch {
            dedicated.giveBack(lease, isClean: true)
            throw error
        }
        do throws(RedisError) {
            let outcome = try await carryOut(transaction, over: lease, before: deadline, decide: decide)
            circuit.leave(ticket, after: nil)
            return outcome
        } catch {
            circuit.leave(ticket, after: error)
            throw error
        }
    }

    private func carryOut<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>, over first: DedicatedConnections.Lease,
        before deadline: NIODeadline,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        var lease = first
        var values: [RESPValue]?
        while values == nil {
            do throws(RedisError) {
                values = try await transaction.read(
                    isFirst: !lease.isReused, isOutOfTime: { deadline <= .now() },
                    over: { [lease] commands throws(RedisError) in
                        try await lease.connection.exchange(commands, before: deadline)
                    })
            } catch {
                dedicated.giveBack(lease, isClean: false)
                // One that died without a word is not the only one: each of the others would cost its own
                // time limit.
                if lease.isReused, error.reply == nil, error.code != .cancelled { dedicated.leaveIdle() }
                // A kept connection that was lost while nobody used it. Nothing was written, so read again.
                guard error.code == .unavailable, lease.isReused, mayRetry else { throw error }
                lease = try await dedicated.lease(before: deadline)
            }
        }
        switch decide(values ?? []) {
        case .abandon(let reason):
            // Not waited for: the connection keeps the order, so whoever has it next comes after.
            if transaction.watches {
                lease.connection.enqueue(
                    PendingCommand([RedisCommand("UNWATCH")], deadline: .distantFuture))
            }
            dedicated.giveBack(lease, isClean: true)
            return .abandoned(reason)
        case .commit(let commands):
            do throws(RedisError) {
                let outcome = try await transaction.commit(commands) { [lease] commands throws(RedisError) in
                    try await lease.connection.exchange(commands, before: deadline)
                }
                dedicated.giveBack(lease, isClean: true)
                return outcome
            } catch {
                if error.reply?.isOfReplica == true { leaveReplica(seenOver: nil) }
                // After an error reply to EXEC the server keeps nothing; after anything else it may.
                dedicated.giveBack(
                    lease, isClean: error.code == .refused && error.reply?.isOfReplica != true)
                throw error
            }
        }
    }

    /// Gives all connections up, because they lead to the wrong server; what is on its way has an unknown
    /// outcome. The next command makes new ones.
    func leave() {
        shared.leave()
        dedicated.leave()
    }

    /// Gives the connections up, because the server is another one for its keys now. What is on its way still
    /// gets its replies; the next command makes a new connection.
    func leaveLater() {
        shared.leaveLater(nil)
        dedicated.leaveIdle()
    }

    func close() async {
        await shared.close()
        await dedicated.close()
    }
}
