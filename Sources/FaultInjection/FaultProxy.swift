import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on loopback that stands between a client and a server and breaks what passes, on demand.
public final class FaultProxy: Sendable {
    public enum Mode: Sendable, Hashable {
        case pass
        /// The server gets the commands; its replies are held back until the mode changes to `pass`, then
        /// they arrive late.
        case holdReplies
        /// The server gets the command; when its reply comes, both connections are cut instead.
        case cutBeforeReply
        /// The same for the next reply only.
        case cutNextReply
        /// Lets so many pieces of reply through, then cuts as `cutNextReply` does.
        case cutReply(after: Int)
        /// What the client sends is swallowed.
        case swallowCommands
        /// Replies come later by a time between these, in their order.
        case delayReplies(from: Duration, upTo: Duration)
        /// The server gets commands, and a connection is cut instead of its next reply, but not instead of
        /// its first ones: what a client asks when it connects is answered.
        case cutReplies(sparing: Int)
        /// So many more pieces of reply pass. Instead of the next one every connection is cut, and the mode
        /// is `refuse` from then on: as if whoever stands before the proxy had died.
        case vanish(after: Int)
        /// New connections are closed at once.
        case refuse
    }

    private struct State {
        var mode = Mode.pass
        var links: [ObjectIdentifier: Link] = [:]
        /// Replies that wait for the mode `pass`, in the order in which they came.
        var held: [(link: Link, bytes: ByteBuffer)] = []
        var repliesSeen = 0
        /// Replies that were put off, in the order in which they came, and when each may arrive.
        var putOff: [ObjectIdentifier: [(due: NIODeadline, bytes: ByteBuffer)]] = [:]
        /// Replies of each connection so far.
        var replies: [ObjectIdentifier: Int] = [:]
        /// Connections of which something was swallowed.
        var swallowed: Set<ObjectIdentifier> = []
        var upstreamPort: Int
    }

    private let state: Mutex<State>
    private let listener: Mutex<(any Channel)?> = Mutex(nil)

    private init(upstreamPort: Int) {
        state = Mutex(State(upstreamPort: upstreamPort))
    }

    /// Starts a proxy in front of a server on a loopback port.
    public static func start(upstreamPort: Int) async throws -> FaultProxy {
        let proxy = FaultProxy(upstreamPort: upstreamPort)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in proxy.connectUpstream(channel) }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.listener.withLock { $0 = channel }
        return proxy
    }

    public var port: Int {
        listener.withLock { $0?.localAddress?.port ?? 0 }
    }

    /// Pieces of reply that the server has sent so far, let through or not.
    public var repliesSeen: Int { state.withLock { $0.repliesSeen } }

    /// New connections are closed at once.
    public var isRefusing: Bool { state.withLock { $0.mode == .refuse } }

    /// Connections of clients that are open now.
    public var connections: Int { state.withLock { $0.links.count } }

    public func set(_ mode: Mode) {
        state.withLock { state in
            state.mode = mode
            guard mode == .pass else { return }
            for reply in state.held { reply.link.deliver(reply.bytes) }
            state.held = []
        }
    }

    /// Cuts every connection that passes through now.
    public func reset() {
        for link in state.withLock({ Array($0.links.values) }) { link.cut() }
    }

    /// Ends every connection that passes through now with a reset (RST) to the client.
    public func sendResets() {
        for link in state.withLock({ Array($0.links.values) }) { link.cut(isReset: true) }
    }

    /// Lets everything pass. A connection of which something was swallowed is cut: no network loses bytes
    /// out of the middle of one.
    public func heal() {
        // What was swallowed from stays marked until it is closed: nothing passes through it any more.
        let broken = state.withLock { state in
            state.mode = .pass
            return state.swallowed.compactMap { state.links[$0] }
        }
        for link in broken { link.cut(isReset: true) }
        set(.pass)
    }

    /// New connections go to the server on another port; those of now are cut.
    public func redirect(toPort port: Int) {
        state.withLock { $0.upstreamPort = port }
        reset()
    }

    public func stop() async {
        let channel = listener.withLock { channel in
            defer { channel = nil }
            return channel
        }
        try? await channel?.close()
        reset()
    }

    private func connectUpstream(_ client: any Channel) -> EventLoopFuture<Void> {
        let (mode, port) = state.withLock { ($0.mode, $0.upstreamPort) }
        guard mode != .refuse else { return client.close() }
        return ClientBootstrap(group: client.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: port)
            .flatMap { server in
                let link = Link(client: client, server: server)
                let isRefused = self.state.withLock { state in
                    state.links[ObjectIdentifier(link)] = link
                    // It was begun before connections were refused.
                    return state.mode == .refuse
                }
                client.closeFuture.whenComplete { _ in
                    server.close(promise: nil)
                    self.state.withLock { state in
                        state.links[ObjectIdentifier(link)] = nil
                        state.putOff[ObjectIdentifier(link)] = nil
                        state.replies[ObjectIdentifier(link)] = nil
                        state.swallowed.remove(ObjectIdentifier(link))
                    }
                }
                server.closeFuture.whenComplete { _ in client.close(promise: nil) }
                if isRefused { link.cut() }
                return client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(
                        Relay { bytes in self.fromClient(bytes, link) })
                    try server.pipeline.syncOperations.addHandler(
                        Relay { bytes in self.fromServer(bytes, link) })
                }
            }
    }

    private func fromClient(_ bytes: ByteBuffer, _ link: Link) {
        let isSwallowed = state.withLock { state in
            // Once something is missing, nothing after it makes sense to the server.
            if state.mode == .swallowCommands { state.swallowed.insert(ObjectIdentifier(link)) }
            return state.swallowed.contains(ObjectIdentifier(link))
        }
        guard !isSwallowed else { return }
        link.server.writeAndFlush(bytes, promise: nil)
    }

    private func fromServer(_ bytes: ByteBuffer, _ link: Link) {
        // Decided and done under one lock: a reply that comes while the mode changes is neither held for ever
        // nor let through before those that were held.
        let isCut = state.withLock { state in
            state.repliesSeen += 1
            state.replies[ObjectIdentifier(link), default: 0] += 1
            switch state.mode {
            case .pass, .swallowCommands, .refuse:
                put(bytes, link, after: .zero, &state)
                return false
            case .delayReplies(let least, let most):
                let extra = (most - least) * Double.random(in: 0...1)
                put(bytes, link, after: least + extra, &state)
                return false
            case .holdReplies:
                state.held.append((link, bytes))
                return false
            case .cutNextReply, .cutReply(after: 0):
                state.mode = .pass
                return true
            case .cutReply(let count):
                state.mode = .cutReply(after: count - 1)
                link.deliver(bytes)
                return false
            case .vanish(after: 0):
                state.mode = .refuse
                return true
            case .vanish(let count):
                state.mode = .vanish(after: count - 1)
                put(bytes, link, after: .zero, &state)
                return false
            case .cutReplies(let sparing):
                guard state.replies[ObjectIdentifier(link), default: 0] <= sparing else { return true }
                put(bytes, link, after: .zero, &state)
                return false
            case .cutBeforeReply:
                return true
            }
        }
        // Not under the lock: closing calls back and takes it again.
        guard isCut else { return }
        if isRefusing { reset() } else { link.cut() }
    }

    /// Sends to the client, never before what came earlier.
    private func put(_ bytes: ByteBuffer, _ link: Link, after delay: Duration, _ state: inout State) {
        let id = ObjectIdentifier(link)
        let waiting = state.putOff[id] ?? []
        guard delay > .zero || !waiting.isEmpty else { return link.deliver(bytes) }
        let due = max(
            NIODeadline.now() + .nanoseconds(Int64(delay / .nanoseconds(1))), waiting.last?.due ?? .now())
        state.putOff[id] = waiting + [(due, bytes)]
        // Each waits for the first one's time: the timers take them in their order, whichever fires first.
        link.client.eventLoop.scheduleTask(deadline: due) { self.deliverDue(link) }
    }

    private func deliverDue(_ link: Link) {
        state.withLock { state in
            let id = ObjectIdentifier(link)
            guard var waiting = state.putOff[id] else { return }
            let now = NIODeadline.now()
            while let first = waiting.first, first.due <= now {
                link.deliver(first.bytes)
                waiting.removeFirst()
            }
            state.putOff[id] = waiting.isEmpty ? nil : waiting
        }
    }

    private final class Link: Sendable {
        let client: any Channel
        let server: any Channel

        init(client: any Channel, server: any Channel) {
            self.client = client
            self.server = server
        }

        /// Sends to the client in the order of the calls, from whatever thread; never calls back at once.
        func deliver(_ bytes: ByteBuffer) {
            client.eventLoop.execute { [client] in client.writeAndFlush(bytes, promise: nil) }
        }

        /// - Parameter isReset: The client sees a reset (RST) instead of an end (FIN).
        func cut(isReset: Bool = false) {
            server.close(promise: nil)
            guard isReset, let options = client as? any SocketOptionProvider else {
                return client.close(promise: nil)
            }
            // Linger for no time: the kernel throws away what is queued and sends RST.
            options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { [client] _ in
                client.close(promise: nil)
            }
        }
    }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let forward: (ByteBuffer) -> Void

        init(forward: @escaping (ByteBuffer) -> Void) {
            self.forward = forward
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            forward(unwrapInboundIn(data))
        }
    }
}
