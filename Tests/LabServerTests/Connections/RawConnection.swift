import Foundation
import NIOCore
import NIOPosix

/// One connection that a test opens, uses by the byte, and ends as it likes.
struct RawConnection: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    /// What came, and who waits for it. Its calls are made on the connection's event loop.
    private final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let continuation: AsyncStream<String>.Continuation
        let texts: AsyncStream<String>

        init() { (texts, continuation) = AsyncStream.makeStream() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(String(buffer: unwrapInboundIn(data)))
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// - Throws: `IOError` when nobody listens.
    static func open(_ port: Int) async throws -> RawConnection {
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(60))
            .channelInitializer { $0.pipeline.addHandler(inbox) }
            .connect(host: "127.0.0.1", port: port).get()
        return RawConnection(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Reads until `part` has come.
    ///
    /// - Returns: All that came up to then, or up to the end of the connection.
    func read(until part: String) async -> String {
        var all = ""
        for await text in inbox.texts {
            all += text
            if all.contains(part) { break }
        }
        return all
    }

    /// Waits until the server ends the connection.
    func readToEnd() async -> String {
        var all = ""
        for await text in inbox.texts { all += text }
        return all
    }

    var isOpen: Bool { channel.isActive }

    func close() async { try? await channel.close().get() }

    /// Ends the connection at once; the server sees a reset, not an end.
    func reset() async {
        if let options = channel as? any SocketOptionProvider {
            try? await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        await close()
    }
}

extension RawConnection {
    /// A purchase as bytes.
    static func purchase(_ product: Int, token: String, key: String? = nil, closes: Bool = false) -> String {
        let body = #"{"product_id":\#(product),"quantity":1}"#
        let name = key.map { "Idempotency-Key: \($0)\r\n" } ?? ""
        return "POST /api/purchases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n\(name)"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
            + "\(closes ? "Connection: close\r\n" : "")\r\n\(body)"
    }
}
