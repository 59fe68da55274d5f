import NIOCore
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

    init(channel: any Channel, handler: NIOLoopBound<PipelineHandler>) {
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

    /// Sends commands in one piece and waits for their replies. Sends nothing in a cancelled task.
    func exchange(
        _ commands: [RedisCommand], before deadline: NIODeadline
    ) async throws(RedisError) -> [RESPValue] {
        guard !Task.isCancelled else { throw RedisError(.cancelled, "cancelled before it was sent") }
        let pending = PendingCommand(commands, deadline: deadline)
        enqueue(pending)
        return try await pending.replies()
    }

    func close() async {
        // Closing a channel that is closed already is the only way this can fail.
        try? await channel.close()
    }

    /// Closes without waiting; for places that cannot wait.
    func closeSoon() {
        channel.close(promise: nil)
    }

    /// Closes when the replies that are on their way have had a second to come.
    func closeLater() {
        let channel = channel
        channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
    }

    /// Calls `body` on the event loop once the connection is closed, at once when it is.
    func onClose(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }

    /// Whenever nothing came for an interval and nothing is awaited, asks for a sign of life; closes when
    /// none comes within the limit. So whoever uses it next finds a connection that lives, or makes a new
    /// one.
    func keepAlive(every interval: TimeAmount, within limit: TimeAmount) {
        // The timer holds the connection, and ends with it.
        let task = channel.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) {
            [self] _ in
            guard handler.value.isQuiet(for: interval) else { return }
            enqueue(
                PendingCommand([RedisCommand("PING")], deadline: .now() + limit) { [self] result in
                    if case .failure = result { closeSoon() }
                })
        }
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }
}
