import EventLoopTasks
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import InventoryService
import Logging
import NIOCore

/// The routes, and what the parts around them share with them.
struct ServerRoutes {
    let router: Router<LabRequestContext>
    let metrics: ServerMetrics
    let identity: RequestIdentity
    let readiness: Readiness
    /// Carries out an order of `admin create`; says in a sentence who is an administrator now.
    let appoint: AdminCall
}

/// Makes an administrator, or one of a user that exists.
typealias AdminCall = @Sendable (AdminOrder) async throws(InventoryError) -> String

extension ServerRoutes {
    /// The server around the routes, with its limits on connections and headers.
    ///
    /// - Parameter tls: Nil speaks HTTP without TLS.
    /// - Throws: When NIOSSL refuses the pair, which ``TLSFiles/load(at:)`` has tried.
    func service(
        at address: BindAddress, front: FrontSettings = FrontSettings(),
        tls: TLSIdentity? = nil, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) throws -> HTTPService {
        let (identity, metrics) = (identity, metrics)
        let configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(front.connection, identity: identity, metrics: metrics)
            ],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: FixedLimits.headerBytes, maxHeaderListSize: FixedLimits.headersBytes,
                maxHeaderFieldCount: FixedLimits.headers))
        let executors = LoopExecutors.shared
        let server = HTTPServerBuilder { responder in
            let http = HTTP1Channel(responder: responder, configuration: configuration)
            guard let tls else { return LoopBoundChannel(http, executors) }
            return LoopBoundChannel(
                try TLSChannel(http, tlsConfiguration: tls.configuration), executors)
        }
        return try HTTPService(
            router.buildResponder(), server,
            ServerConfiguration(
                address: address, backlog: FixedLimits.backlog,
                availableConnectionsDelegate: .maximum(front.connections, logger: logger)),
            logger: logger, onListening: onListening)
    }
}
