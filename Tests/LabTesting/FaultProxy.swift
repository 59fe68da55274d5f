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
        /// What the client sends is swallowed.
        case swallowCommands
    }

    private struct State {
        var mode = Mode.pass
        var links: [ObjectIdentifier: Link] = [:]
        var repliesSeen = 0
    }

    private let state = Mutex(State())
    private let listener: Mutex<(any Channel)?> = Mutex(nil)
    private let upstreamPort: Int

    private init(upstreamPort: Int) {
        self.upstreamPort = upstreamPort
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

    public func set(_ mode: Mode) {
        let links = state.withLock { state in
            state.mode = mode
            return Array(state.links.values)
        }
        if mode == .pass {
            for link in links { link.releaseHeldReplies() }
        }
    }

    /// Cuts every connection that passes through now.
    public func reset() {
        for link in state.withLock({ Array($0.links.values) }) { link.cut() }
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
        ClientBootstrap(group: client.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: upstreamPort)
            .flatMap { server in
                let link = Link(client: client, server: server)
                self.state.withLock { $0.links[ObjectIdentifier(link)] = link }
                client.closeFuture.whenComplete { _ in
                    server.close(promise: nil)
                    _ = self.state.withLock { $0.links.removeValue(forKey: ObjectIdentifier(link)) }
                }
                server.closeFuture.whenComplete { _ in client.close(promise: nil) }
                return client.eventLoop.makeCompletedFuture {
                    try client.pipeline.syncOperations.addHandler(
                        Relay { bytes in self.fromClient(bytes, link) })
                    try server.pipeline.syncOperations.addHandler(
                        Relay { bytes in self.fromServer(bytes, link) })
                }
            }
    }

    private func fromClient(_ bytes: ByteBuffer, _ link: Link) {
        guard state.withLock({ $0.mode }) != .swallowCommands else { return }
        link.server.writeAndFlush(bytes, promise: nil)
    }

    private func fromServer(_ bytes: ByteBuffer, _ link: Link) {
        let mode = state.withLock { state in
            state.repliesSeen += 1
            defer { if state.mode == .cutNextReply { state.mode = .pass } }
            return state.mode
        }
        switch mode {
        case .pass, .swallowCommands: link.client.writeAndFlush(bytes, promise: nil)
        case .holdReplies: link.hold(bytes)
        case .cutBeforeReply, .cutNextReply: link.cut()
        }
    }

    private final class Link: Sendable {
        let client: any Channel
        let server: any Channel
        private let held = Mutex<[ByteBuffer]>([])

        init(client: any Channel, server: any Channel) {
            self.client = client
            self.server = server
        }

        func hold(_ bytes: ByteBuffer) {
            held.withLock { $0.append(bytes) }
        }

        func releaseHeldReplies() {
            let late = held.withLock { held in
                defer { held = [] }
                return held
            }
            for bytes in late { client.writeAndFlush(bytes, promise: nil) }
        }

        func cut() {
            client.close(promise: nil)
            server.close(promise: nil)
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
