import NIOCore
import NIOPosix

/// A TCP server on loopback that answers each piece that a client sends with a text that the test writes.
///
/// For servers that nobody can start: nodes that contradict each other, replies that no Redis gives.
public final class AnsweringServer: Sendable {
    public typealias Answer = @Sendable (_ request: String, _ port: Int) -> String

    private let channel: any Channel

    private init(channel: any Channel) {
        self.channel = channel
    }

    public static func start(answer: @escaping Answer) async throws -> AnsweringServer {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(Answerer(answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return AnsweringServer(channel: channel)
    }

    public var port: Int { channel.localAddress?.port ?? 0 }

    public func stop() async {
        try? await channel.close()
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let answer: Answer

        init(answer: @escaping Answer) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let request = String(buffer: unwrapInboundIn(data))
            let text = answer(request, context.channel.localAddress?.port ?? 0)
            context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
        }
    }
}
