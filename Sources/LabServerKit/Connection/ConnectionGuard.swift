import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Stands between the HTTP decoder and the routes of one connection: what cannot become a request is
/// answered with problem+json and closed, and nobody holds the connection for longer than the limits say.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionPhase.Limits
    private let identity: RequestIdentity
    /// Counts connections, and answers that are given here.
    private let metrics: ServerMetrics
    private var phase: ConnectionPhase
    private var bodyBytes = 0
    /// Headers of the request that is being read or answered: they name it and its trace.
    private var headers: HTTPFields = [:]
    /// The request that is being answered is HEAD: its answer has no body.
    private var isHead = false
    /// Our own last answer is out: what comes or goes now is dropped.
    private var isClosing = false
    private var timer: Scheduled<Void>?

    init(_ limits: ConnectionPhase.Limits, identity: RequestIdentity, metrics: ServerMetrics) {
        self.limits = limits
        self.identity = identity
        self.metrics = metrics
        phase = ConnectionPhase(limits, at: .now)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        metrics.connections.add()
        let pipeline = context.pipeline.syncOperations
        do {
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandler(ConnectionPersistence(), position: .before(codec))
        } catch {
            // Nobody knows when this connection ends.
            context.close(promise: nil)
        }
        watch(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        metrics.connections.add(-1)
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func watch(_ context: ChannelHandlerContext) {
        let (seconds, attoseconds) = limits.interval.components
        let interval = TimeAmount.nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            guard !self.isClosing else { return }
            switch self.phase.verdict(at: .now) {
            case .wait: self.watch(context)
            case .close: context.close(promise: nil)
            case .refuseRequest: self.refuse(.requestTimeout, context)
            case .giveUp: self.refuse(.tookTooLong, context)
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            phase.headRead(at: .now)
            bodyBytes = 0
            headers = head.headerFields
            isHead = head.method == .head
            guard check(head, context) else { return }
        case .body(let bytes):
            bodyBytes += bytes.readableBytes
            guard bodyBytes <= limits.bodyBytes else { return refuse(.bodyTooLong, context) }
        case .end:
            phase.bodyRead(at: .now)
        }
        context.fireChannelRead(data)
    }

    /// What must be said before the body is sent.
    private func check(_ head: HTTPRequest, _ context: ChannelHandlerContext) -> Bool {
        if let length = head.headerFields[.contentLength].flatMap({ Int($0) }), length > limits.bodyBytes {
            refuse(.bodyTooLong, context)
            return false
        }
        guard let expectation = head.headerFields[.expect] else { return true }
        guard expectation.lowercased() == "100-continue" else {
            refuse(.wrongExpectation, context)
            return false
        }
        context.write(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        context.flush()
        return true
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isClosing else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head: phase.answerBegun()
        case .body: break
        case .end:
            phase.answerEnded(at: .now)
            if !phase.isBusy { headers = [:] }
        }
        context.write(data, promise: promise)
    }

    /// The decoder met something that is no request.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: refuse(.headersTooLong, context)
        case is HTTPParserError, is HTTP1TypeConversionError: refuse(.malformedRequest, context)
        default: context.fireErrorCaught(error)
        }
    }

    /// The last answer of this connection, where one can still be given.
    private func refuse(_ problem: Problem, _ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        guard !phase.isAnswerBegun || !phase.isBusy else {
            context.close(promise: nil)
            return
        }
        metrics.answeredByFront(problem.status.code)
        let mark = identity.mark(headers)
        var response = problem.response(requestID: mark.requestID)
        response.headers.set(mark)
        response.headers[.connection] = "close"
        let body = problem.body(requestID: mark.requestID)
        response.headers[.contentLength] = String(body.readableBytes)
        context.write(wrapOutboundOut(.head(response.head)), promise: nil)
        if !isHead { context.write(wrapOutboundOut(.body(body)), promise: nil) }
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let written = context.value.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { _ in
            // The client may still be sending: closed at once, the system would throw the answer away.
            context.value.close(mode: .output, promise: nil)
            context.value.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
                context.value.close(promise: nil)
            }
        }
        context.value.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
}
