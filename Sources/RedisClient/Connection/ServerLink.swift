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
        retries.withLock { $0.noteCall() }
        let replies = try await circuit.run { () throws(RedisError) in
            try await shared.exchange(commands, before: deadline) { mayRetry }
        }
        if leavesReplicas && replies.contains(where: { $0.error?.prefix == "READONLY" }) { shared.leave() }
        return replies
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
        let lease = try await dedicated.lease(before: transaction.deadline)
        let ticket: CircuitBreaker.Ticket?
        do throws(RedisError) {
            ticket = try circuit.enter()
        } catch {
            dedicated.giveBack(lease, isClean: true)
            throw error
        }
        do throws(RedisError) {
            let outcome = try await carryOut(transaction, over: lease, decide: decide)
            circuit.leave(ticket, after: nil)
            return outcome
        } catch {
            circuit.leave(ticket, after: error)
            throw error
        }
    }

    private func carryOut<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>, over first: DedicatedConnections.Lease,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        var lease = first
        var values: [RESPValue]?
        while values == nil {
            do throws(RedisError) {
                values = try await transaction.read(over: lease.connection)
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
                let outcome = try await transaction.commit(commands, over: lease.connection)
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
