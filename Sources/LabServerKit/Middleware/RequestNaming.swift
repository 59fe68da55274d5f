import HTTPTypes
import Hummingbird
import NIOHTTPTypes

extension HTTPField.Name {
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}

/// The outermost layer: names the request, its step of a trace, and the address that it comes from.
struct RequestNaming: RouterMiddleware {
    typealias Context = LabRequestContext

    let identity: RequestIdentity
    let proxies: TrustedProxies

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let mark = identity.mark(request.headers)
        return try await RequestSpan.server(request, mark, route: context.endpointPath) { mark in
            var context = context
            context.requestID = mark.requestID
            if proxies != .none, let peer = context.peerAddress {
                context.forwardedAddress = proxies.client(
                    of: peer, forwarded: request.headers[values: .forwardedFor])
            }
            var response = try await RequestMark.$current.withValue(mark) { try await next(request, context) }
            response.headers.set(mark)
            return response
        }
    }
}
