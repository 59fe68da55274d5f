import NIOCore
import NIOHTTP1

/// Whether a connection stays open after an answer, decided as RFC 9112 (9.3) says: HTTP/1.0 closes unless
/// the client asks for `keep-alive`, HTTP/1.1 stays unless it asks for `close`, in any case and beside other
/// words.
///
/// What stands behind knows the one spelling `Connection: close` and no version. So a request that ends its
/// connection gets that spelling here, and the answer says what will happen, which a client of HTTP/1.0 needs
/// to hear. Stands between the decoder and the codec that drops the version.
final class ConnectionPersistence: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// `Connection` of the answers that are still to come, in the order of their requests; nil: HTTP/1.1 that
    /// stays open, which needs no word.
    private var words = CircularBuffer<String?>()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        if head.isKeepAlive {
            words.append(head.version == .http1_0 ? "keep-alive" : nil)
        } else {
            words.append("close")
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where !head.status.isInformational:
            guard case .some(let word?) = words.first, !head.headers.contains(name: "Connection") else {
                break
            }
            head.headers.add(name: "Connection", value: word)
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end: _ = words.popFirst()
        case .head, .body: break
        }
        context.write(data, promise: promise)
    }
}

extension HTTPResponseStatus {
    fileprivate var isInformational: Bool { (100..<200).contains(code) }
}
