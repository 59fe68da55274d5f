import NIOCore
import Synchronization

/// Everything that a client keeps open towards one server, except subscriptions.
final class ServerLink: Sendable {
    private let shared: SharedConnection
    private let dedicated: DedicatedConnections
    private let leavesReplicas: Bool
    private let circuit: Circuit
    private let retries = Mutex(RetryBudget())

    /// - Parameter leavesReplicas: A server that says READONLY is left, because the next connection may lead
    ///   to another one.
    init(
        to name: String, connector: Connector, limits: RedisClient.Limits, group: any EventLoopGroup,
        leavesReplicas: Bool = false
    ) {
        self.leavesReplicas = leavesReplicas
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
        let replies = try await circuit.run { () throws(RedisError) in
            try await send(commands, before: deadline)
        }
        if leavesReplicas && replies.contains(where: { $0.error?.prefix == "READONLY" }) { shared.leave() }
        return replies
    }

    private func send(
        _ commands: [RedisCommand], before deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        retries.withLock { $0.noteCall() }
        do throws(RedisError) {
            return try await shared.exchange(commands, before: deadline)
        } catch {
            // The connection ended between being handed out and the write, so nothing was sent.
            guard error.code == .unavailable, error.reply == nil, mayRetry else { throw error }
            return try await shared.exchange(commands, before: deadline)
        }
    }

    private var mayRetry: Bool { retries.withLock { $0.takeRetry() } }

    /// See ``RedisClient/transaction(watching:reading:decide:)``.
    func transaction<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        // Before the wait for a connection, which is no matter of the server's.
        try circuit.check()
        retries.withLock { $0.noteCall() }
        var lease = try await dedicated.lease(before: transaction.deadline)
        var values: [RESPValue]?
        while values == nil {
            do throws(RedisError) {
                let connection = lease.connection
                values = try await circuit.run { () throws(RedisError) in
                    try await transaction.read(over: connection)
                }
            } catch {
                dedicated.giveBack(lease, isClean: false)
                // A kept connection that was lost while nobody used it. Nothing was written, so read again.
                guard error.code == .unavailable, lease.isReused, mayRetry else { throw error }
                lease = try await dedicated.lease(before: transaction.deadline)
            }
        }
        switch decide(values ?? []) {
        case .abandon(let reason):
            transaction.unwatch(over: lease.connection)
            dedicated.giveBack(lease, isClean: true)
            return .abandoned(reason)
        case .commit(let commands):
            do throws(RedisError) {
                let connection = lease.connection
                let outcome = try await circuit.run { () throws(RedisError) in
                    try await transaction.commit(commands, over: connection)
                }
                dedicated.giveBack(lease, isClean: true)
                return outcome
            } catch {
                // After an error reply to EXEC the server keeps nothing; after anything else it may.
                let isOfReplica = leavesReplicas && error.reply?.prefix == "READONLY"
                dedicated.giveBack(lease, isClean: error.code == .refused && !isOfReplica)
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

    func close() async {
        await shared.close()
        await dedicated.close()
    }
}
