import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// One connection that the commands of all tasks share.
///
/// Commands that come in while the event loop is busy go out together: one write, one wake-up.
final class RedisConnection: Sendable {
    private struct Outbox {
        var commands: [PendingCommand] = []
        var isDrainScheduled = false
    }

    private let channel: any Channel
    private let handler: NIOLoopBound<PipelineHandler>
    private let outbox = Mutex(Outbox())

    private init(channel: any Channel, handler: NIOLoopBound<PipelineHandler>) {
        self.channel = channel
        self.handler = handler
    }

    var isActive: Bool { channel.isActive }

    func enqueue(_ command: PendingCommand) {
        let mustSchedule = outbox.withLock { outbox in
            outbox.commands.append(command)
            defer { outbox.isDrainScheduled = true }
            return !outbox.isDrainScheduled
        }
        if mustSchedule {
            channel.eventLoop.execute { [self] in
                let batch = outbox.withLock { outbox in
                    outbox.isDrainScheduled = false
                    defer { outbox.commands = [] }
                    return outbox.commands
                }
                handler.value.send(batch)
            }
        }
    }

    func close() async {
        // Closing a channel that is closed already is the only way this can fail.
        try? await channel.close()
    }

    /// Closes without waiting; for places that cannot wait.
    func closeSoon() {
        channel.close(promise: nil)
    }

    /// Calls `body` on the event loop once the connection is closed, at once when it is.
    func onClose(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }

    func repeatUntilClosed(every interval: TimeAmount, _ body: @escaping @Sendable () -> Void) {
        let task = channel.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            body()
        }
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    /// Connects and, where the endpoint asks for it, authenticates and selects the database.
    ///
    /// - Parameter push: Takes the messages of pub/sub, on the event loop.
    static func connect(
        to endpoint: RedisEndpoint, limits: RedisClient.Limits, group: any EventLoopGroup,
        push: Connector.Push? = nil
    ) async throws(RedisError) -> RedisConnection {
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(limits.connect))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        let deadline = NIODeadline.now() + TimeAmount(limits.connect)
        let connection: RedisConnection
        do {
            let initialise: @Sendable (any Channel) -> EventLoopFuture<RedisConnection> = { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = PipelineHandler(
                        maximumReplyBytes: limits.replyBytes, silenceLimit: TimeAmount(limits.command),
                        push: push)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return RedisConnection(
                        channel: channel,
                        handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
            switch endpoint.address {
            case .tcp(let host, let port):
                connection = try await bootstrap.connect(
                    host: host, port: port, channelInitializer: initialise)
            case .unixSocket(let path):
                connection = try await bootstrap.connect(
                    unixDomainSocketPath: path, channelInitializer: initialise)
            }
        } catch {
            throw RedisError(
                .unavailable, "cannot connect to \(endpoint): \(reason(of: error))")
        }
        do throws(RedisError) {
            try await connection.introduce(endpoint, deadline: deadline)
        } catch {
            await connection.close()
            throw RedisError(
                .unavailable, "\(endpoint) did not accept the connection: \(error.context)",
                reply: error.reply)
        }
        return connection
    }

    private func introduce(_ endpoint: RedisEndpoint, deadline: NIODeadline) async throws(RedisError) {
        var commands: [RedisCommand] = []
        if let password = endpoint.password {
            commands.append(
                RedisCommand("AUTH", (endpoint.username.map { [$0] } ?? []) + [password.revealed]))
        }
        if endpoint.database != 0 {
            commands.append(RedisCommand("SELECT", String(endpoint.database)))
        }
        guard !commands.isEmpty else { return }
        let pending = PendingCommand(commands, deadline: deadline)
        enqueue(pending)
        for reply in try await pending.replies() {
            if case .error(let error) = reply { throw .refused(error) }
        }
    }

    /// A short sentence for the errors that NIO wraps in several layers.
    private static func reason(of error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let dns = error.dnsAError, error.connectionErrors.isEmpty {
                return "the name \(error.host) has no address (\(dns))"
            }
            return error.connectionErrors.first.map { reason(of: $0.error) } ?? "no address answered"
        }
        if let error = error as? IOError {
            return unsafe String(cString: strerror(error.errnoCode))
        }
        if case ChannelError.connectTimeout = error {
            return "no answer within the time limit"
        }
        return String(describing: error)
    }
}
