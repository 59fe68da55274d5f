import ConnectionFailures
import NIOCore

/// Writes commands in order and hands each reply to the command that waits longest.
///
/// A caller that left (cancelled, out of time) keeps its place in the line, so a late reply is dropped
/// instead of answering the next command. A connection that owes a reply and has sent no byte for a whole
/// time limit is closed; when a caller gives up, nine tenths of it are enough, so that what is sent next goes
/// to a new connection.
final class PipelineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var reader: ReplyReader
    private let silenceLimit: TimeAmount
    private let isEncrypted: Bool
    private let push: Connector.Push?
    private var hasRead = false
    private var line = CircularBuffer<Entry>()
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
    private var lastRead = NIODeadline.uptimeNanoseconds(0)
    private var context: ChannelHandlerContext?
    private var failure: RedisError?

    private struct Entry {
        let command: PendingCommand
        let sent: NIODeadline
        var replies: [RESPValue] = []
        /// A passed time limit was told to the caller.
        var isAbandoned = false
    }

    /// - Parameter push: Takes the messages of pub/sub; without it they are a violation of the protocol.
    init(
        maximumReplyBytes: Int, silenceLimit: TimeAmount, isEncrypted: Bool = false,
        push: Connector.Push? = nil
    ) {
        reader = ReplyReader(maximumReplyBytes: maximumReplyBytes)
        self.silenceLimit = silenceLimit
        self.isEncrypted = isEncrypted
        self.push = push
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        lastRead = context.eventLoop.now
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    /// No reply is awaited, and none came for so long. On the channel's event loop.
    func isQuiet(for interval: TimeAmount) -> Bool {
        guard let context else { return false }
        return line.isEmpty && lastRead + interval <= context.eventLoop.now
    }

    /// Sends `batch` in one write. On the channel's event loop.
    func send(_ batch: [PendingCommand]) {
        guard let context, context.channel.isActive, failure == nil else {
            let error = RedisError(.unavailable, failure?.context ?? "the connection is closed")
            for command in batch { command.fail(error.ofLostConnection) }
            return
        }
        let now = context.eventLoop.now
        // Told at the end: whoever is told may close the connection at once.
        var late: [(command: PendingCommand, why: String)] = []
        defer {
            for (command, why) in late { command.abandon(why, unsent: .timedOut) }
        }
        var buffer = context.channel.allocator.buffer(capacity: 320 * batch.count)
        for pending in batch {
            guard now < pending.deadline else {
                late.append((pending, "the time limit passed before it was sent"))
                continue
            }
            guard pending.isPermitted else {
                late.append((pending, SendPermit.refusal))
                continue
            }
            guard pending.markSent() else { continue }
            for command in pending.commands {
                command.encode(into: &buffer)
            }
            line.append(Entry(command: pending, sent: now))
        }
        guard buffer.readableBytes > 0 else { return }
        context.writeAndFlush(NIOAny(buffer), promise: nil)
        // Limits differ: what was sent later may have to be answered sooner.
        let soonest = batch.lazy.map(\.deadline).min() ?? .distantFuture
        if timer.map({ soonest < $0.deadline }) ?? true { startTimer(context) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastRead = context.eventLoop.now
        let buffer = unwrapInboundIn(data)
        let isTLSAlert = !hasRead && buffer.getInteger(at: buffer.readerIndex) == UInt8(0x15)
        hasRead = true
        do throws(ReplyReader.Failure) {
            try unsafe buffer.withUnsafeReadableBytes { bytes throws(ReplyReader.Failure) in
                try unsafe reader.feed(bytes)
            }
            while let value = try reader.next() {
                try deliver(value)
            }
        } catch {
            let reason =
                switch error {
                case .malformed where isTLSAlert:
                    "the server answers in TLS; write rediss:// instead of redis://"
                case .malformed(let message): "the server does not speak the Redis protocol: \(message)"
                case .tooLarge(let limit): "a reply of more than \(limit) bytes"
                }
            close(context, because: RedisError(.protocolViolation, reason))
        }
    }

    private func deliver(_ value: RESPValue) throws(ReplyReader.Failure) {
        if let push, value.array?.first?.string == "message" {
            push(value)
            return
        }
        guard !line.isEmpty else { throw .malformed("a reply that nobody asked for") }
        let first = line.startIndex
        line[first].replies.append(value)
        if line[first].replies.count == line[first].command.commands.count {
            let entry = line.removeFirst()
            entry.command.succeed(entry.replies)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(context, because: lost("the connection was lost before the reply came"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(context, because: lost(ConnectionFailure.sentence(for: error)))
    }

    private func lost(_ reason: String) -> RedisError {
        // What a port for TLS does with a command that is not encrypted.
        let isDeaf = !hasRead && !isEncrypted
        return RedisError(
            .outcomeUnknown,
            reason + (isDeaf ? " (nor any other; if the port is one for TLS, write rediss://)" : "")
        ).ofLostConnection
    }

    private func close(_ context: ChannelHandlerContext, because error: RedisError) {
        guard failure == nil else { return }
        failure = error
        timer?.task.cancel()
        timer = nil
        let waiting = line
        line.removeAll()
        for entry in waiting {
            entry.command.fail(error)
        }
        context.close(promise: nil)
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        guard let next = nextDeadline else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: next) {
            let (handler, context) = bound.value
            handler.timeLimitPassed(context)
        }
        timer = (next, task)
    }

    /// When the next caller runs out of time, or the silence of the server becomes too long.
    private var nextDeadline: NIODeadline? {
        let caller = line.lazy.filter { !$0.isAbandoned }.map(\.command.deadline).min()
        guard let silence = silenceEnds else { return caller }
        return caller.map { min($0, silence) } ?? silence
    }

    /// When the server will have owed the first reply, without a byte of any reply, for a whole time limit.
    private var silenceEnds: NIODeadline? {
        guard let first = line.first, first.isAbandoned else { return nil }
        return max(first.sent, lastRead) + silenceLimit
    }

    private func timeLimitPassed(_ context: ChannelHandlerContext) {
        timer = nil
        let now = context.eventLoop.now
        var late: [PendingCommand] = []
        for index in line.indices where !line[index].isAbandoned && line[index].command.deadline <= now {
            line[index].isAbandoned = true
            late.append(line[index].command)
        }
        // Told at the end: whoever is told may close the connection at once.
        defer {
            for command in late { command.abandon("no reply within the time limit", unsent: .timedOut) }
        }
        let tolerance = TimeAmount.nanoseconds(late.isEmpty ? 0 : silenceLimit.nanoseconds / 10)
        if let silenceEnds, silenceEnds <= now + tolerance {
            close(context, because: RedisError(.outcomeUnknown, "the server fell silent"))
        } else {
            startTimer(context)
        }
    }
}
