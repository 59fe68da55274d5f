import ConnectionFailures
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// One order, to the server that has the ledger open.
struct AdminQuestion: Sendable {
    private static let timeout = TimeAmount.seconds(60)

    struct Answer: Sendable {
        let status: Int
        let text: String
    }

    let socket: AdminSocket
    let order: AdminOrder

    /// - Throws: When there is no connection, or no answer within a minute.
    func ask() async throws -> Answer {
        let body = ByteBuffer(bytes: try JSONEncoder().encode(order))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: Answer.self)
        let deadline = loop.scheduleTask(in: Self.timeout) {
            answer.fail(ChannelError.connectTimeout(Self.timeout))
        }
        defer { deadline.cancel() }
        ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(AnswerReader(answer: answer))
                }
            }
            .connect(unixDomainSocketPath: socket.path)
            .whenComplete { result in
                switch result {
                case .failure(let error): answer.fail(error)
                case .success(let channel): Self.send(body, over: channel)
                }
            }
        return try await answer.futureResult.get()
    }

    private static func send(_ body: ByteBuffer, over channel: any Channel) {
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/administrators",
            headers: [
                "host": "localhost", "connection": "close", "content-length": "\(body.readableBytes)",
            ])
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// Keeps the first answer, and closes.
    private final class AnswerReader: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let answer: EventLoopPromise<Answer>
        private var status = 0
        private var text = ""

        init(answer: EventLoopPromise<Answer>) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): status = Int(head.status.code)
            case .body(let bytes): text += String(buffer: bytes)
            case .end:
                answer.succeed(Answer(status: status, text: text))
                context.close(promise: nil)
            }
        }

        func channelInactive(context: ChannelHandlerContext) {
            answer.fail(ChannelError.eof)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            answer.fail(error)
            context.close(promise: nil)
        }
    }
}
