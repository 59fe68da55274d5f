import HTTPTypes
import Hummingbird
import InventoryService
import Logging
import NIOHTTPTypes

extension HTTPField.Name {
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}

/// The outermost layer: names the request and its step of a trace, checks what HTTP asks of every request, and turns every error,
/// the framework's too, into problem+json.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = LabRequestContext

    let identity: RequestIdentity
    let metrics: ServerMetrics
    let crossOrigin: CrossOrigin
    /// Requests that are answered at the same time; more are refused.
    let inFlight: Int
    let proxies: TrustedProxies
    /// Browsers are told to come back by HTTPS only.
    let isEncrypted: Bool

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        metrics.inFlight.add()
        defer { metrics.inFlight.add(-1) }
        let mark = identity.mark(request.headers)
        return await RequestSpan.server(request, mark, route: context.endpointPath) { mark in
            var context = context
            context.requestID = mark.requestID
            if proxies != .none, let peer = context.peerAddress {
                context.forwardedAddress = proxies.client(
                    of: peer, forwarded: request.headers[values: .forwardedFor])
            }
            var response = await RequestMark.$current.withValue(mark) {
                await answer(request, context, next)
            }
            response.headers.set(mark)
            return response
        }
    }

    private func answer(
        _ request: Request, _ context: Context,
        _ next: @concurrent (Request, Context) async throws -> Response
    ) async -> Response {
        var response: Response
        do {
            try Self.checkHost(request)
            guard metrics.inFlight.value <= inFlight else {
                metrics.refusedByServer.add()
                throw Problem.overloaded
            }
            if let answer = crossOrigin.preflight(request) {
                response = answer
                metrics.answeredByFront(answer.status.code)
            } else {
                response = try await next(request, context)
            }
        } catch let error as HTTPError where error.status == .notFound {
            // The router knows no such path, or no such method at it.
            metrics.answeredUnknownRoute()
            let allowed = RouteTable.methods(at: request.uri.path)
            let problem = allowed.isEmpty ? Problem(status: .notFound) : .wrongMethod(allowed: allowed)
            response = problem.response(requestID: context.requestID)
            metrics.answeredByFront(response.status.code)
        } catch {
            response = Self.problem(for: error, logger: context.log).response(requestID: context.requestID)
            metrics.answeredByFront(response.status.code)
        }
        if request.headers[.origin] != nil {
            for field in crossOrigin.headers(for: request) { response.headers[field.name] = field.value }
        }
        if isEncrypted { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }

    /// The first Host header became the authority; RFC 9112, 3.2 wants exactly one.
    private static func checkHost(_ request: Request) throws(Problem) {
        guard let authority = request.head.authority, !authority.isEmpty, request.headers[.host] == nil,
            authority.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "/") })
        else { throw .wrongHost }
    }

    /// - Parameter logger: Made only where there is something to write.
    static func problem(for error: any Error, logger: @autoclosure () -> Logger) -> Problem {
        switch error {
        case let problem as Problem:
            return problem
        case let error as InventoryError:
            let problem = ProblemTable.problem(for: error)
            if problem.status.kind == .serverError {
                logger().warning("request not answered", metadata: ["error": "\(error)"])
            }
            return problem
        case let error as any HTTPResponseError:
            return error.status == .contentTooLarge ? .bodyTooLong : Problem(status: error.status)
        default:
            logger().error("unexpected error", metadata: ["error": "\(error)"])
            return ProblemTable.internalError
        }
    }
}
