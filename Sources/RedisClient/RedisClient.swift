public import NIOCore
import NIOPosix

/// A client of Redis: of one server, of the master that Sentinels name, or of a cluster; the endpoint says
/// which, and the calls are the same.
///
/// All tasks share one connection; commands of tasks that wait at the same time are pipelined. The connection
/// is made by the first command and made again by the first command after it was lost; between failed
/// attempts the client answers `.unavailable` at once, for a pause that grows with jitter. What was never
/// sent, because the connection ended just then, is sent once more, and a transaction's reads are read again,
/// for at most a tenth of all calls. Transactions have connections of their own, and so have subscriptions.
/// Cancelling a task returns at once and leaves every connection in step.
public final class RedisClient: Sendable {
    /// Which Redis it speaks to.
    public let endpoint: RedisEndpoint
    private let limits: Limits
    private let topology: Topology
    private let subscriptions: SubscriptionHub
    private let runs: ServerRuns?

    /// - Parameters:
    ///   - endpoint: Which Redis, and as whom.
    ///   - limits: Times and sizes.
    ///   - watchesServers: Whether each new connection asks its server who it is, for ``serverGeneration``
    ///     and ``meetServers()``. One round trip a connection.
    ///   - group: Event loops for the connections; nil takes NIO's shared ones.
    public init(
        _ endpoint: RedisEndpoint, limits: Limits = Limits(), watchesServers: Bool = false,
        group: (any EventLoopGroup)? = nil
    ) {
        self.endpoint = endpoint
        self.limits = limits
        runs = watchesServers ? ServerRuns() : nil
        (topology, subscriptions) = Topology.make(
            endpoint, limits: limits, runs: runs, group: group ?? MultiThreadedEventLoopGroup.singleton)
    }

    /// Rises before the first command goes to a server that was not seen before: one that was restarted, a
    /// replica that was promoted, another node of a cluster. What such a server holds may be older than what
    /// was acknowledged. Always 0 for a client that does not watch its servers.
    public var serverGeneration: Int { runs?.generation ?? 0 }

    /// Asks every server that holds keys who it is. A round trip, and one for each master of a cluster.
    ///
    /// - Returns: Names of the servers' runs: each is another after a restart and after a promotion. Empty
    ///   where servers do not tell, and for a client that does not watch its servers.
    /// - Throws: ``RedisError`` when one does not answer.
    public func meetServers() async throws(RedisError) -> Set<String> {
        try await topology.meetServers(before: deadline)
        return runs?.names ?? []
    }

    /// Transactions that wait for a connection now.
    var waitingTransactions: Int { topology.waitingTransactions }

    /// Servers that are left alone now, because they did not answer: at most one, but for a cluster. See
    /// ``CircuitPolicy``.
    public var serversLeftAlone: Int { topology.serversLeftAlone }

    /// Sends one command and waits for its reply. One round trip.
    ///
    /// - Throws: ``RedisError``; an error reply of the server is `.refused`.
    public func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        let reply = try await topology.exchange([command], before: deadline)[0]
        if case .error(let error) = reply { throw .refused(error) }
        return reply
    }

    /// Sends commands in one piece, nothing of another task between them. One round trip. In a cluster all
    /// keys must be of one slot, and MULTI is not for here: use ``transaction(watching:reading:decide:)``.
    ///
    /// - Returns: A reply for each command; an error reply is a value here.
    public func pipeline(_ commands: [RedisCommand]) async throws(RedisError) -> [RESPValue] {
        commands.isEmpty ? [] : try await topology.exchange(commands, before: deadline)
    }

    /// Runs a script by its digest. When the server does not know it, and on no other error, its text is
    /// sent once. One round trip, or two.
    public func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        try await script.run(keys: keys, arguments: arguments, through: send)
    }

    /// Reads keys, decides, and applies commands only if nobody changed the keys in the meantime, on a
    /// connection that nobody else uses. Two round trips to commit, one to abandon; the command's time limit
    /// covers the whole, including the wait for one of ``Limits/dedicatedConnections`` in order of arrival.
    ///
    /// - Parameters:
    ///   - keys: Watched from before the reads on.
    ///   - reads: Commands that write nothing; they may be read again after a lost connection.
    ///   - decide: Gets a reply for each of the reads. May be called more than once.
    /// - Throws: ``RedisError``. Until the commit was sent nothing was applied, and the error is never
    ///   `.outcomeUnknown`; after that it is as with ``send(_:)``. `.refused` when a read or the commit was
    ///   answered with an error; where it was one command of a commit that was applied, as WRONGTYPE, Redis
    ///   has applied the others.
    public func transaction<Abandoned: Sendable>(
        watching keys: [String], reading reads: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        try await topology.transaction(
            WatchedTransaction(keys: keys, reads: reads), before: deadline, decide: decide)
    }

    /// Listens to a channel. Returns once the server has confirmed it, so that whatever is published
    /// afterwards is delivered. All channels share one connection, which is closed with the last
    /// subscription; when it is lost, it is made again, and the subscriber is told of the gap.
    ///
    /// - Parameters:
    ///   - channel: Its whole name; a pattern is none.
    ///   - onEvent: Called on an event loop, in order; must not block.
    /// - Throws: ``RedisError``, never `.outcomeUnknown`: nothing is subscribed then.
    public func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        try await subscriptions.subscribe(to: channel, onEvent: onEvent)
    }

    /// Runs calls that finish what was begun: they are sent also to a server that is left alone
    /// (``CircuitPolicy``), and wait for it as long as any call. What was sent before a server fell silent
    /// may still be carried out when it goes on, and what takes it back has to stand behind it.
    public func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await Circuit.$isFinishing.withValue(true) {
            do throws(Failure) {
                return .success(try await calls())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Closes all connections; every later command fails with `.unavailable`.
    public func close() async {
        await subscriptions.close()
        await topology.close()
    }

    private var deadline: NIODeadline { .now() + TimeAmount(limits.command) }
}
