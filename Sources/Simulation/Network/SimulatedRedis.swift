import LockStrategies
package import RedisClient
import Synchronization

/// The port of one simulated process to one node. It behaves as ``RedisClient``: one shared connection, made
/// by the first command and made again after it was lost; transactions and subscriptions have connections of
/// their own; a caller that is cancelled, or whose time limit passes, leaves at once.
package final class SimulatedRedis: RedisPort {
    private let process: SimulatedProcess
    private let node: SimulatedNode
    private let network: Network
    /// Of a call.
    private let limit: Duration
    private let work: @Sendable (RedisScript?) -> Duration
    private let connections: Connections
    /// Commands by name; a script by its digest has its own name behind it.
    private let sent = Mutex<[String: Int]>([:])

    private final class Connections: Sendable {
        let shared = Mutex<SimulatedConnection?>(nil)
        let open = Mutex<[Int: SimulatedConnection]>([:])
        let runs = ServerRuns()
    }

    /// - Parameters:
    ///   - limit: Time limit of a call.
    ///   - work: How long the process works before it sends this script; nil: before the writes of a
    ///     transaction.
    package init(
        of process: SimulatedProcess, to node: SimulatedNode, over network: Network,
        limit: Duration = .milliseconds(250),
        work: @escaping @Sendable (RedisScript?) -> Duration = { _ in .zero }
    ) {
        self.process = process
        self.node = node
        self.network = network
        self.limit = limit
        self.work = work
        connections = Connections()
        process.onDeath { [self] in die() }
    }

    /// A port over the same connections that counts for itself.
    package init(beside other: SimulatedRedis) {
        process = other.process
        node = other.node
        network = other.network
        limit = other.limit
        work = other.work
        connections = other.connections
    }

    /// Commands that left the process: not those for a connection that was never made, or had ended.
    package var commandsSent: Int { sent.withLock { $0.values.reduce(0, +) } }

    package func commandsSent(named name: String) -> Int { sent.withLock { $0[name] ?? 0 } }

    private var world: World { network.world }

    /// As ``RedisClient/RedisClient/serverGeneration``.
    package var serverGeneration: Int { connections.runs.generation }

    /// As ``RedisClient/RedisClient/meetServers()``.
    package func meetServers() async throws(RedisError) -> Set<String> {
        _ = try await send(RedisCommand("PING"))
        return connections.runs.names
    }

    package func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        let reply = try await exchange([command], over: sharedConnection())[0]
        if case .error(let error) = reply { throw Self.refused(error) }
        return reply
    }

    package func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        let time = work(script)
        guard time > .zero else {
            return try await script.run(keys: keys, arguments: arguments, through: send)
        }
        return try await SendPermit.stalling {
            await pass(time)
        } _: { () throws(RedisError) in
            try await script.run(keys: keys, arguments: arguments, through: send)
        }
    }

    package func transaction<Abandoned: Sendable>(
        watching keys: [String], reading reads: [RedisCommand],
        decide: @Sendable ([RESPValue]) -> RedisTransactionStep<Abandoned>
    ) async throws(RedisError) -> RedisTransactionOutcome<Abandoned> {
        let connection = connect()
        defer { forget(connection) }
        let end = process.clock.now + limit
        let transaction = WatchedTransaction<Abandoned>(keys: keys, reads: reads)
        let exchange: WatchedTransaction<Abandoned>.Exchange = { [self] commands throws(RedisError) in
            try await self.exchange(commands, over: connection, before: end)
        }
        let values = try await transaction.read(
            isFirst: false, isOutOfTime: { end <= process.clock.now }, over: exchange)
        switch decide(values) {
        case .abandon(let reason):
            // Here the connection ends, which says the same as the UNWATCH of the client.
            if transaction.watches { count([RedisCommand("UNWATCH")], 1) }
            return .abandoned(reason)
        case .commit(let commands):
            await pass(work(nil))
            return try await transaction.commit(commands, over: exchange)
        }
    }

    package func subscribe(
        to channel: String, onEvent: @escaping @Sendable (RedisSubscriptionEvent) -> Void
    ) async throws(RedisError) -> RedisSubscription {
        let line = SubscriptionLine(
            channel: channel, of: process, onEvent: onEvent, connect: { [self] in connect() })
        do throws(RedisError) {
            let connection = line.begin()
            _ = try await exchange([RedisCommand("SUBSCRIBE", channel)], over: connection)
        } catch {
            line.end()
            switch error.code {
            case .outcomeUnknown, .protocolViolation:
                throw RedisError(.unavailable, error.context, commandsSent: error.commandsSent)
            case .unavailable, .timedOut, .cancelled, .refused: throw error
            }
        }
        line.stands(in: world, network)
        return RedisSubscription { line.end() }
    }

    package func finishing<Value: Sendable, Failure: Error>(
        _ calls: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await calls()
    }

    // MARK: Connections

    private func sharedConnection() -> SimulatedConnection {
        connections.shared.withLock { shared in
            if let connection = shared, !connection.isCut { return connection }
            let connection = connect()
            shared = connection
            return connection
        }
    }

    private func connect() -> SimulatedConnection {
        let connection = SimulatedConnection(process: process.number, node: node, network: network) {
            [runs = connections.runs, node] in runs.note($0, at: "\(node.number)")
        }
        connections.open.withLock { $0[connection.number] = connection }
        return connection
    }

    private func forget(_ connection: SimulatedConnection) {
        connections.open.withLock { $0[connection.number] = nil }
        connection.close()
    }

    /// The process died: the server notices that its connections have ended.
    private func die() {
        let open = connections.open.withLock { open in
            defer { open = [:] }
            return open.values.sorted { $0.number < $1.number }
        }
        for connection in open { connection.cut("the process ended") }
    }

    /// Whoever is cancelled meanwhile does not work on.
    private func pass(_ time: Duration) async {
        if time > .zero { try? await process.clock.sleep(until: process.clock.now + time, tolerance: nil) }
    }

    private func count(_ commands: [RedisCommand], _ times: Int) {
        sent.withLock { sent in
            for command in commands { sent[CommandText.name(command), default: 0] += times }
        }
    }

    /// Sends commands in one piece and waits for their replies.
    private func exchange(
        _ commands: [RedisCommand], over connection: SimulatedConnection,
        before end: ContinuousClock.Instant? = nil
    ) async throws(RedisError) -> [RESPValue] {
        guard !process.isDead else { throw RedisError(.unavailable, "the process has ended") }
        guard !Task.isCancelled else { throw RedisError(.cancelled, "cancelled before it was sent") }
        if SendPermit.isValid != nil {
            guard SendPermit.isGranted else { throw RedisError(.timedOut, SendPermit.refusal) }
            // A process may be stopped between its last look and the write.
            await Task.yield()
        }
        let promise = Promise<Result<[RESPValue], RedisError>>()
        let left = end.map { process.clock.now.duration(to: $0) } ?? limit
        let timer = world.plan(at: world.now + Int64(left / .nanoseconds(1))) {
            let code: RedisError.Code = connection.isEstablished ? .outcomeUnknown : .timedOut
            promise.keep(.failure(RedisError(code, "no reply within \(left)")))
        }
        count(commands, 1)
        let result = await withTaskCancellationHandler {
            connection.send(commands) { promise.keep($0) }
            return await promise.value()
        } onCancel: {
            promise.keep(.failure(RedisError(.cancelled, "cancelled after it was sent", commandsSent: 1)))
        }
        world.cancel(timer)
        do throws(RedisError) {
            return try result.get()
        } catch {
            let failure = error.ofPiece(of: commands.count)
            if failure.commandsSent == 0 { count(commands, -1) }
            throw failure
        }
    }

    private static func refused(_ error: RedisServerError) -> RedisError {
        RedisError(.refused, "Redis refused the command: \(error.message)", reply: error)
    }
}
