package import BenchLoad
package import BenchModel
import ConnectionFailures
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server in this process that answers 200 to everything, at the moments of a ``DelayPlan``.
package final class DelayServer: Sendable {
    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    /// The one thread that serves all connections.
    var eventLoop: any EventLoop { channel.eventLoop }

    package var target: LoadTarget { LoadTarget(host: "127.0.0.1", port: channel.localAddress?.port ?? 0) }

    /// Listens on a free port of this machine.
    package static func start(_ plan: DelayPlan) async throws(BenchError) -> DelayServer {
        // One loop for all connections: the plan is told the requests in one order. A loop of its own, not
        // one of the process's: a generator on the same thread would be measured at half its speed.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let clerk = DelayClerk(plan)
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 4096)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                        try channel.pipeline.syncOperations.addHandler(DelayHandler(clerk))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            return DelayServer(channel, group)
        } catch {
            try? await group.shutdownGracefully()
            throw BenchError(
                .unreachable, "the built-in server cannot listen: \(ConnectionFailure.reason(for: error))")
        }
    }

    private init(_ channel: any Channel, _ group: MultiThreadedEventLoopGroup) {
        self.channel = channel
        self.group = group
    }

    /// Closes all connections and ends the thread.
    package func stop() async {
        try? await channel.close()
        try? await group.shutdownGracefully()
    }
}

/// The plan, shared by all connections.
private final class DelayClerk: Sendable {
    private let plan: Mutex<DelayPlan>

    init(_ plan: DelayPlan) {
        self.plan = Mutex(plan)
    }

    func answer(to arrival: NIODeadline) -> NIODeadline { plan.withLock { $0.answer(to: arrival) } }
}

private final class DelayHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private static let body = ByteBuffer(string: "{}")
    private static let head = HTTPResponseHead(
        version: .http1_1, status: .ok, headers: ["Content-Length": "2", "Content-Type": "application/json"])

    private let clerk: DelayClerk

    init(_ clerk: DelayClerk) {
        self.clerk = clerk
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let now = NIODeadline.now()
        let due = clerk.answer(to: now)
        guard due > now else { return answer(context) }
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(deadline: due) {
            bound.value.handler.answer(bound.value.context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        context.write(wrapOutboundOut(.head(Self.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(Self.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
