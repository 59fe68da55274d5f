package import BenchLoad
import BenchModel
import ConnectionFailures
package import Foundation
import NIOCore
package import NIOHTTP1
import NIOPosix

/// A plain client of the purchase API for setting up and looking: one connection, one request at a time.
package final class APIClient: Sendable {
    /// A whole answer.
    package struct Answer: Sendable {
        package let status: Int
        package let headers: HTTPHeaders
        package let body: Data

        /// The problem's own words, or the start of the body.
        var detail: String {
            let fields = try? JSONDecoder().decode(Problem.self, from: body)
            return fields?.detail ?? fields?.title ?? String(decoding: body.prefix(200), as: UTF8.self)
        }
    }

    private struct Problem: Decodable, Sendable {
        let title: String?
        let detail: String?
    }

    private let target: LoadTarget
    private let channel: any Channel

    private init(_ target: LoadTarget, _ channel: any Channel) {
        self.target = target
        self.channel = channel
    }

    /// Connects, runs `body`, and closes the connection whatever happened.
    package static func with<Value>(
        _ target: LoadTarget, _ body: (APIClient) async throws -> Value
    ) async throws -> Value {
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(15))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try target.tls?.install(on: channel, host: target.host)
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(AnswerHandler())
                    }
                }
                .connect(host: target.host, port: target.port).get()
        } catch {
            throw BenchError(
                .unreachable, ConnectionFailure.sentence(connectingTo: target.host, target.port, error))
        }
        do {
            let value = try await body(APIClient(target, channel))
            try? await channel.close()
            return value
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// Sends one request and waits for its answer, a minute at most unless another limit is named.
    package func send(
        _ method: HTTPMethod, _ path: String, token: String? = nil, body: Data? = nil,
        idempotencyKey: String? = nil, limit: Duration = .seconds(60)
    ) async throws -> Answer {
        let answer = channel.eventLoop.makePromise(of: Answer.self)
        var head = target.head(method, path, token: token, length: body?.count)
        if let idempotencyKey { head.headers.add(name: "Idempotency-Key", value: idempotencyKey) }
        let exchange = AnswerHandler.Exchange(
            head: head, body: body.map { ByteBuffer(bytes: $0) },
            limit: .nanoseconds(Int64(limit / .nanoseconds(1))), answer: answer)
        // A channel that has closed has no handler left that could end the exchange.
        let written = channel.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenFailure { answer.fail($0) }
        channel.writeAndFlush(exchange, promise: written)
        do {
            return try await answer.futureResult.get()
        } catch {
            throw BenchError(
                .unreachable,
                "\(method) \(path) got no answer from \(target.host):\(target.port): "
                    + ConnectionFailure.reason(for: error))
        }
    }
}

/// Turns exchanges into HTTP parts and back. Completes every promise: by the answer, by the end of the
/// connection, or by the time limit.
private final class AnswerHandler: ChannelDuplexHandler {
    struct Exchange: Sendable {
        let head: HTTPRequestHead
        let body: ByteBuffer?
        let limit: TimeAmount
        let answer: EventLoopPromise<APIClient.Answer>
    }

    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Exchange
    typealias OutboundOut = HTTPClientRequestPart

    private var current: EventLoopPromise<APIClient.Answer>?
    private var timer: Scheduled<Void>?
    private var head: HTTPResponseHead?
    private var body = Data()

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        guard context.channel.isActive, current == nil else {
            exchange.answer.fail(ChannelError.ioOnClosedChannel)
            return
        }
        current = exchange.answer
        body = Data()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: exchange.limit) { channel.close(promise: nil) }
        context.write(wrapOutboundOut(.head(exchange.head)), promise: nil)
        if let bytes = exchange.body {
            context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let bytes): body.append(contentsOf: bytes.readableBytesView)
        case .end:
            let status = head.map { Int($0.status.code) } ?? 0
            finish(.success(APIClient.Answer(status: status, headers: head?.headers ?? [:], body: body)))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(ChannelError.eof))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(error))
        context.close(promise: nil)
    }

    private func finish(_ result: Result<APIClient.Answer, any Error>) {
        timer?.cancel()
        timer = nil
        let promise = current
        current = nil
        promise?.completeWith(result)
    }
}
