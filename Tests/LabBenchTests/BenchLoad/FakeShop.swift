import BenchLoad
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP server on a free port that answers every request as a test wants.
final class FakeShop: Sendable {
    enum Reply: Sendable {
        case answer(status: Int, body: String, timing: String?)
        /// Closes the connection without an answer.
        case hangUp
        /// Says nothing, for ever.
        case silence
    }

    private let channel: any Channel
    private let counter: Counter

    /// How many requests came in.
    var requests: Int { counter.value.withLock { $0 } }

    /// How many connections are open.
    var connections: Int { counter.open.withLock { $0 } }

    var target: LoadTarget { LoadTarget(host: "127.0.0.1", port: channel.localAddress?.port ?? 0) }

    /// - Parameter reply: Given the number of the request, from 1.
    static func open(_ reply: @escaping @Sendable (Int) -> Reply) async throws -> FakeShop {
        let counter = Counter()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // Above what any test opens: a full backlog leaves half-open connections behind.
            .serverChannelOption(.backlog, value: 4096)
            .childChannelInitializer { channel in
                counter.open.withLock { $0 += 1 }
                channel.closeFuture.whenComplete { _ in counter.open.withLock { $0 -= 1 } }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ShopHandler(counter, reply))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeShop(channel, counter)
    }

    private init(_ channel: any Channel, _ counter: Counter) {
        self.channel = channel
        self.counter = counter
    }

    func close() async { try? await channel.close() }

    final class Counter: Sendable {
        let value = Mutex(0)
        let open = Mutex(0)
    }
}

private final class ShopHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let counter: FakeShop.Counter
    private let reply: @Sendable (Int) -> FakeShop.Reply

    init(_ counter: FakeShop.Counter, _ reply: @escaping @Sendable (Int) -> FakeShop.Reply) {
        self.counter = counter
        self.reply = reply
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let number = counter.value.withLock { value in
            value += 1
            return value
        }
        switch reply(number) {
        case .hangUp: context.close(promise: nil)
        case .silence: break
        case .answer(let status, let body, let timing):
            var headers: HTTPHeaders = ["Content-Length": String(body.utf8.count)]
            if let timing { headers.add(name: "Server-Timing", value: timing) }
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
