import BenchModel
package import NIOCore
import NIOHTTP1

/// One user on one connection: sends what the user wants when the session says so, and tells both the answer.
/// Lives on the session's event loop.
final class BuyerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private static let longestBody = 16_384

    /// A request without its whole answer.
    private struct UnderWay {
        let errand: Errand
        let times: RequestTimes
    }

    private let number: Int
    private var user: any LoadUser
    private let session: LoadSession
    private var context: ChannelHandlerContext?
    private var underWay: UnderWay?
    /// When the visit was meant to begin.
    private var began = NIODeadline.distantPast
    private var status = 0
    private var timing: String?
    private var body = ""

    init(number: Int, user: any LoadUser, session: LoadSession) {
        self.number = number
        self.user = user
        self.session = session
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Begins the next visit.
    ///
    /// - Parameter intended: When it was meant to begin.
    func begin(intended: NIODeadline, at now: NIODeadline) {
        began = intended
        send(RequestTimes(intended: intended, sent: now))
    }

    private func send(_ times: RequestTimes) {
        guard let context else { return }
        let errand = user.next()
        underWay = UnderWay(errand: errand, times: times)
        context.write(wrapOutboundOut(.head(errand.request.head)), promise: nil)
        if errand.request.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(errand.request.body))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// Counts the request that is still without an answer.
    func giveUp() { lose(at: .now(), isUnanswered: true) }

    private func lose(at now: NIODeadline, isUnanswered: Bool = false) {
        guard let (errand, times) = take() else { return }
        user.lost()
        if errand.step == .buy {
            if isUnanswered { session.gaveUp(times, at: now) }
            session.answered(
                user: number, product: errand.product, times, done: now, outcome: .transportError,
                timing: nil)
        } else {
            session.answered(errand.step, times, done: now, isGood: false, isUnknown: true)
        }
        session.visited(began: began, done: now, isWhole: false)
    }

    func close() { context?.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            timing = head.headers.first(name: "Server-Timing")
            body = ""
        case .body(let bytes):
            // A refusal says in its body which one it is; other bodies are looked at where a user needs them.
            let isWanted = status == 400 || underWay?.errand.needsBody == true
            if isWanted && body.utf8.count < Self.longestBody { body += String(buffer: bytes) }
        case .end:
            finish()
        }
    }

    private func finish() {
        guard let (errand, times) = take() else { return }
        // A second read of the same turn may find the answer to what was sent after the first one.
        let now = max(session.arrivalOfAnswer(), times.sent)
        defer { session.arriveIfDue() }
        if errand.step == .buy {
            session.answered(
                user: number, product: errand.product, times, done: now,
                outcome: BuyerOutcome(status: status, problem: body),
                timing: status == 200 ? timing.map(ServerTiming.init(parsing:)) : nil)
        } else {
            session.answered(
                errand.step, times, done: now, isGood: status == errand.step.goodStatus, isUnknown: false)
            if user.shows(errand, status: status, body: body) == false { session.missedPurchase() }
        }
        let turn = user.answered(errand, status: status, body: body)
        if turn == .goesOn {
            if session.goOn() { send(RequestTimes(intended: now, sent: .now())) }
            return
        }
        session.visited(began: began, done: now, isWhole: turn == .whole)
        if let intended = session.next(for: number, at: now) { begin(intended: intended, at: .now()) }
    }

    private func take() -> (Errand, RequestTimes)? {
        defer { underWay = nil }
        return underWay.map { ($0.errand, $0.times) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        lose(at: .now())
        session.disconnected(number, user)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What follows on this connection cannot be understood; `channelInactive` tells the session.
        context.close(promise: nil)
    }
}

/// The two moments from which latency is counted.
package struct RequestTimes: Sendable, Equatable {
    /// Response time begins here: what a buyer waits who came at this moment.
    package let intended: NIODeadline
    /// Service time begins here: what the server took.
    package let sent: NIODeadline
}
