import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Listens, and has requests answered by the routes, until it is asked to end.
///
/// Hummingbird's `Application` does this for every kind of server: a request gets a number and a logger of
/// its own, and its context is one of a type that is looked up. Here the request has its name from
/// ``RequestIdentity``, a logger when something is logged, and one type of context.
struct HTTPService: Service {
    /// The client is gone or the answer cannot be written; the connection is closed.
    private struct AnswerNotWritten: Error {}

    private let server: any Service

    /// - Parameters:
    ///   - builder: What a connection consists of.
    ///   - onListening: Called once with the socket that listens.
    /// - Throws: What the builder throws.
    init(
        _ routes: RouterResponder<LabRequestContext>, _ builder: HTTPServerBuilder,
        _ configuration: ServerConfiguration, logger: Logger,
        onListening: @escaping @Sendable (any Channel) async -> Void
    ) throws {
        let date = DateHeader()
        server = try builder.buildServer(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            responder: { request, writer, channel in
                let context = LabRequestContext(
                    source: ApplicationRequestContextSource(channel: channel, logger: logger))
                var response = try await routes.respond(to: request, context: context)
                response.headers[.date] = date.text
                do {
                    try await writer.write(response: response.head, body: response.body)
                } catch is HTTPParserError {
                    // This one would be answered with 400, behind the answer that was begun.
                    throw AnswerNotWritten()
                }
            }, onServerRunning: onListening)
    }

    func run() async throws { try await server.run() }
}
