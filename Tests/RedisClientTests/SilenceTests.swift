import NIOCore
import NIOEmbedded
import Testing

@testable import RedisClient

/// A server that owes a reply and says nothing, in time that the test moves on.
@Suite("A server that is silent")
struct SilenceTests {
    private let handler = PipelineHandler(maximumReplyBytes: 1_000, silenceLimit: .seconds(2))
    private let channel: EmbeddedChannel
    private let start: NIODeadline

    init() throws {
        channel = EmbeddedChannel(handler: handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        start = channel.embeddedEventLoop.now
    }

    private func send(limit: TimeAmount) -> PendingCommand {
        let command = PendingCommand([RedisCommand("PING")], deadline: start + limit)
        handler.send([command])
        return command
    }

    private func go(to moment: TimeAmount) { channel.embeddedEventLoop.advanceTime(to: start + moment) }

    @Test("a caller who waited a little before he was sent and gives up ends the connection at that moment")
    func endsWithTheCaller() {
        go(to: .milliseconds(150))
        _ = send(limit: .seconds(2))
        go(to: .milliseconds(1_999))
        #expect(channel.isActive)
        go(to: .seconds(2))
        #expect(!channel.isActive, "what is sent now would be lost 150 ms later")
    }

    @Test("a caller with little time gives up alone; the connection ends when the server's time is over")
    func outlivesAnImpatientCaller() {
        _ = send(limit: .seconds(1))
        go(to: .milliseconds(1_999))
        #expect(channel.isActive)
        go(to: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("a byte of any reply begins the time anew")
    func everyByteCounts() throws {
        _ = send(limit: .seconds(2))
        _ = send(limit: .milliseconds(2_500))
        go(to: .seconds(1))
        try channel.writeInbound(ByteBuffer(string: "+PO"))
        go(to: .milliseconds(2_500))
        #expect(channel.isActive)
        go(to: .seconds(3))
        #expect(!channel.isActive)
    }
}
