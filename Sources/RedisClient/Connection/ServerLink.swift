import NIOCore

/// Everything that a client keeps open towards one server, except subscriptions.
final class ServerLink: Sendable {
    private let limits: RedisClient.Limits
    private let shared: SharedConnection
    private let dedicated: DedicatedConnections

    init(connector: Connector, limits: RedisClient.Limits, group: any EventLoopGroup) {
        self.limits = limits
        shared = SharedConnection(connector: connector, group: group)
        dedicated = DedicatedConnections(connector: connector, limits: limits, group: group)
    }

    /// Transactions that wait for a connection now.
    var waitingTransactions: Int { dedicated.waiting }

    /// Sends commands in one piece over the shared connection. One round trip.
    func exchange(
        _ commands: [RedisCommand], before deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        try await shared.exchange(commands, before: deadline)
    }

    /// See ``RedisClient/transaction(watching:reading:decide:)``.
    func transaction<Abandoned: Sendable>(
        _ transaction: WatchedTransaction<Abandoned>,
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        var lease = try await dedicated.lease(before: transaction.deadline)
        var values: [RESPValue]?
        while values == nil {
            do throws(RedisError) {
                values = try await transaction.read(over: lease.connection)
            } catch {
                dedicated.giveBack(lease, isClean: false)
                // A kept connection that was lost while nobody used it. Nothing was written, so read again.
                guard error.code == .unavailable, lease.isReused else { throw error }
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
                dedicated.giveBack(lease, isClean: error.code == .refused)
                throw error
            }
        }
    }

    func close() async {
        await shared.close()
        await dedicated.close()
    }
}
