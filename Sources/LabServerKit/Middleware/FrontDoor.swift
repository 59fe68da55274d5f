import HTTPTypes
import Hummingbird
import NIOHTTPTypes

/// All that stands between the framework and the routes: the name of a request, headers for browsers, the
/// check of its host, the limit of requests, and the answers to errors.
///
/// It is one layer, not one for each duty, and a route calls it itself: a layer of the router costs every
/// request four asynchronous calls and their frames, and none of these duties has to wait.
struct FrontDoor: RouterMiddleware {
    typealias Context = LabRequestContext

    let front: FrontSettings
    let identity: RequestIdentity
    let crossOrigin: CrossOrigin
    let metrics: ServerMetrics

    init(_ front: FrontSettings, identity: RequestIdentity, metrics: ServerMetrics) {
        self.front = front
        self.identity = identity
        self.metrics = metrics
        crossOrigin = CrossOrigin(origins: front.origins)
    }

    /// Answers what no route answers: an unknown path, or a method that its path has not.
    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        await answer(request, context) { request, context in try await next(request, context) }
    }

    /// The answer to a request that comes in.
    ///
    /// - Parameter inside: Answers what nothing hinders.
    func answer(
        _ request: Request, _ context: Context, by inside: (Request, Context) async throws -> Response
    ) async -> Response {
        await RequestSpan.server(request, identity.mark(request.headers), route: context.endpointPath) {
            mark in
            let context = named(context, mark, request)
            var response = await RequestMark.$current.withValue(mark) {
                await unhindered(request, context, inside)
            }
            complete(&response, to: request, mark)
            return response
        }
    }

    /// The context with the name of the request and the address that it comes from.
    @inline(never)
    private func named(_ context: Context, _ mark: RequestMark, _ request: Request) -> Context {
        var context = context
        context.requestID = mark.requestID
        if front.proxies != .none, let peer = context.peerAddress {
            context.forwardedAddress = front.proxies.client(
                of: peer, forwarded: request.headers[values: .forwardedFor])
        }
        return context
    }

    /// The answer from inside, or else to what hinders it: every error that comes out of what is inside, the
    /// framework's too, becomes problem+json.
    private func unhindered(
        _ request: Request, _ context: Context, _ inside: (Request, Context) async throws -> Response
    ) async -> Response {
        do {
            try checkHost(of: request)
            metrics.inFlight.add()
            defer { metrics.inFlight.add(-1) }
            guard metrics.inFlight.value <= front.inFlight else {
                metrics.refusedByServer.add()
                throw Problem.overloaded
            }
            // A browser asks before it calls.
            if let preflight = crossOrigin.preflight(request) {
                metrics.answeredByFront(preflight.status.code)
                return preflight
            }
            return try await inside(request, context)
        } catch {
            return answer(to: error, of: request, context)
        }
    }

    /// Refuses a request that does not name exactly one host, as RFC 9112, 3.2 wants it.
    private func checkHost(of request: Request) throws(Problem) {
        // The first Host header became the authority.
        guard let authority = request.head.authority, !authority.isEmpty, request.headers[.host] == nil,
            authority.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "/") })
        else { throw .wrongHost }
    }

    @inline(never)
    private func answer(to error: any Error, of request: Request, _ context: Context) -> Response {
        let problem: Problem
        if let error = error as? HTTPError, error.status == .notFound {
            // The router knows no such path, or no such method at it.
            metrics.answeredUnknownRoute()
            let allowed = RouteTable.methods(at: request.uri.path)
            problem = allowed.isEmpty ? Problem(status: .notFound) : .wrongMethod(allowed: allowed)
        } else {
            problem = Problem(answering: error, logger: context.log)
        }
        let response = problem.response(requestID: context.requestID)
        metrics.answeredByFront(response.status.code)
        return response
    }

    /// What every answer has, whoever gave it: for browsers, by which sites' pages it may be used and that
    /// they come back by HTTPS; the mark of the request. An answer to HEAD has the headers of the answer to
    /// GET, and no body.
    @inline(never)
    private func complete(_ response: inout Response, to request: Request, _ mark: RequestMark) {
        if request.headers[.origin] != nil {
            for field in crossOrigin.headers(for: request) { response.headers[field.name] = field.value }
        }
        if front.isEncrypted { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        response.headers.set(mark)
        if request.method == .head { response = response.createHeadResponse() }
    }
}

extension HTTPField.Name {
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}
