import NIOCore

/// A command as bytes and bytes as replies, without a connection: for the program that counts what they cost
/// (`./lab check --cost`).
package final class WireCost {
    private var reader = ReplyReader(maximumReplyBytes: 1 << 20)

    package init() {}

    /// Writes the command into a buffer of its own, as the first of a batch is written.
    ///
    /// - Returns: How many bytes it has.
    package func encode(_ command: RedisCommand) -> Int {
        var buffer = ByteBufferAllocator().buffer(capacity: 128)
        command.encode(into: &buffer)
        return buffer.readableBytes
    }

    /// The reply that the bytes are; nil when they are no whole reply.
    package func decode(_ bytes: [UInt8]) -> RESPValue? {
        do {
            try unsafe bytes.withUnsafeBytes { try unsafe reader.feed($0) }
            return try reader.next()
        } catch {
            return nil
        }
    }
}
