import NIOCore
import NIOHTTP1

/// One user on one connection: sends a purchase, waits for the answer, tells the session, sends the next.
/// Lives on the session's event loop.
final class BuyerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let user: Int
    private let request: PreparedRequest
    private let session: LoadSession
    private var context: ChannelHandlerContext?
    private var sent: NIODeadline?
    private var status = 0
    private var timing: String?
    private var problem = ""

    init(user: Int, request: PreparedRequest, session: LoadSession) {
        self.user = user
        self.request = request
        self.session = session
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends the next purchase.
    func buy(at now: NIODeadline) {
        guard let context else { return }
        sent = now
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Counts the request that is still without an answer.
    func giveUp() {
        guard let sent else { return }
        self.sent = nil
        session.answered(
            user: user, sent: sent, done: .now(), outcome: .transportError, timing: nil)
    }

    func close() { context?.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            timing = head.headers.first(name: "Server-Timing")
            problem = ""
        case .body(let bytes):
            // A refusal says in its body which one it is; other bodies are not looked at.
            if status == 400 && problem.utf8.count < 4096 { problem += String(buffer: bytes) }
        case .end:
            finish()
        }
    }

    private func finish() {
        guard let sent else { return }
        self.sent = nil
        let now = NIODeadline.now()
        session.answered(
            user: user, sent: sent, done: now,
            outcome: PurchaseOutcome(status: status, problem: problem),
            timing: status == 200 ? timing.map(ServerTiming.init(parsing:)) : nil)
        if session.maySend(at: now) { buy(at: now) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let sent = self.sent
        self.sent = nil
        session.disconnected(user: user, sent: sent)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What follows on this connection cannot be understood; `channelInactive` tells the session.
        context.close(promise: nil)
    }
}
