public import NIOCore
import NIOPosix
import Synchronization

/// A client of one Redis server.
///
/// All tasks share one connection; commands of tasks that wait at the same time are pipelined. The
/// connection is made by the first command and made again by the first command after it was lost; between
/// failed attempts the client answers `.unavailable` at once, for a pause that grows with jitter.
/// Cancelling a task returns at once and leaves the connection in step.
public final class RedisClient: Sendable {
    /// Time and size limits; one initialiser holds every default.
    public struct Limits: Sendable, Hashable {
        /// For connecting, including AUTH and SELECT.
        public var connect: Duration
        /// From the call to the reply.
        public var command: Duration
        /// Bytes of one reply.
        public var replyBytes: Int
        /// First and longest pause between attempts to connect.
        public var reconnectBase: Duration
        public var reconnectCap: Duration

        public init(
            connect: Duration = .seconds(1), command: Duration = .seconds(1),
            replyBytes: Int = 64 << 20,
            reconnectBase: Duration = .milliseconds(20), reconnectCap: Duration = .seconds(1)
        ) {
            self.connect = connect
            self.command = command
            self.replyBytes = replyBytes
            self.reconnectBase = reconnectBase
            self.reconnectCap = reconnectCap
        }
    }

    private enum Link {
        case idle
        case connecting([Completion<RedisConnection>])
        case connected(RedisConnection)
        case resting(until: ContinuousClock.Instant, because: RedisError)
        case closed
    }

    private struct State {
        var link = Link.idle
        var failures = 0
    }

    private enum Step {
        case use(RedisConnection)
        case wait
        case connect
        case fail(RedisError)
    }

    public let endpoint: RedisEndpoint
    private let limits: Limits
    private let reconnect: ReconnectPolicy
    private let group: any EventLoopGroup
    private let state = Mutex(State())

    /// - Parameter group: Event loops for the connection; nil takes NIO's shared ones.
    public init(
        _ endpoint: RedisEndpoint, limits: Limits = Limits(),
        group: (any EventLoopGroup)? = nil
    ) {
        self.endpoint = endpoint
        self.limits = limits
        self.group = group ?? MultiThreadedEventLoopGroup.singleton
        reconnect = ReconnectPolicy(base: limits.reconnectBase, cap: limits.reconnectCap)
    }

    /// Sends one command and waits for its reply. One round trip.
    ///
    /// - Throws: ``RedisError``; an error reply of the server is `.refused`.
    public func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        let reply = try await exchange([command])[0]
        if case .error(let error) = reply { throw .refused(error) }
        return reply
    }

    /// Sends commands in one piece, nothing of another task between them. One round trip.
    ///
    /// - Returns: A reply for each command; an error reply is a value here.
    public func pipeline(_ commands: [RedisCommand]) async throws(RedisError) -> [RESPValue] {
        commands.isEmpty ? [] : try await exchange(commands)
    }

    /// Runs a script by its digest. When the server does not know it, and on no other error, its text is
    /// sent once. One round trip, or two.
    public func run(
        _ script: RedisScript, keys: [String], arguments: [String]
    ) async throws(RedisError) -> RedisScriptReply {
        let tail = [String(keys.count)] + keys + arguments
        do throws(RedisError) {
            let value = try await send(RedisCommand("EVALSHA", [script.sha1] + tail))
            return RedisScriptReply(value: value, commandsSent: 1)
        } catch {
            guard error.reply?.prefix == "NOSCRIPT" else { throw error }
        }
        let value = try await send(RedisCommand("EVAL", [script.source] + tail))
        return RedisScriptReply(value: value, commandsSent: 2)
    }

    /// Closes the connection; every later command fails with `.unavailable`.
    public func close() async {
        let link = state.withLock { state in
            defer { state.link = .closed }
            return state.link
        }
        switch link {
        case .connected(let connection):
            await connection.close()
        case .connecting(let waiters):
            for waiter in waiters { waiter.finish(.failure(Self.closedError)) }
        case .idle, .resting, .closed:
            break
        }
    }

    private static let closedError = RedisError(.unavailable, "the client was closed")

    private func exchange(_ commands: [RedisCommand]) async throws(RedisError) -> [RESPValue] {
        let deadline = NIODeadline.now() + TimeAmount(limits.command)
        let connection = try await connection(before: deadline)
        guard !Task.isCancelled else { throw RedisError(.cancelled, "cancelled before it was sent") }
        let pending = PendingCommand(commands, deadline: deadline)
        connection.enqueue(pending)
        return try await pending.replies()
    }

    private func connection(before deadline: NIODeadline) async throws(RedisError) -> RedisConnection {
        let waiter = Completion<RedisConnection>()
        switch state.withLock({ Self.next(&$0, waiter: waiter, now: .now) }) {
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
            waiter.finish(.failure(RedisError(.timedOut, "no connection within the time limit")))
        }
        defer { timer.cancel() }
        return try await waiter.value { RedisError(.cancelled, "cancelled while connecting") }
    }

    private static func next(
        _ state: inout State, waiter: Completion<RedisConnection>, now: ContinuousClock.Instant
    ) -> Step {
        switch state.link {
        case .connected(let connection) where connection.isActive:
            return .use(connection)
        case .connecting(let waiters):
            state.link = .connecting(waiters + [waiter])
            return .wait
        case .resting(let until, let error) where now < until:
            return .fail(error)
        case .idle, .connected, .resting:
            state.link = .connecting([waiter])
            return .connect
        case .closed:
            return .fail(closedError)
        }
    }

    private func connect() async {
        let result: Result<RedisConnection, RedisError>
        do throws(RedisError) {
            result = .success(
                try await RedisConnection.connect(to: endpoint, limits: limits, group: group))
        } catch {
            result = .failure(error)
        }
        let jitter = Double.random(in: 0...1)
        let waiters: [Completion<RedisConnection>]? = state.withLock { state in
            guard case .connecting(let waiters) = state.link else { return nil }
            switch result {
            case .success(let connection):
                state.link = .connected(connection)
                state.failures = 0
            case .failure(let error):
                state.failures += 1
                let pause = reconnect.pause(afterFailures: state.failures, jitter: jitter)
                state.link = .resting(until: .now + pause, because: error)
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
