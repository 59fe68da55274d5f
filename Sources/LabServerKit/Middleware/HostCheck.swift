import HTTPTypes
import Hummingbird

/// Refuses a request that does not name exactly one host, as RFC 9112, 3.2 wants it.
struct HostCheck: RouterMiddleware {
    typealias Context = LabRequestContext

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        // The first Host header became the authority.
        guard let authority = request.head.authority, !authority.isEmpty, request.headers[.host] == nil,
            authority.utf8.allSatisfy({ $0 > 0x20 && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "/") })
        else { throw Problem.wrongHost }
        return try await next(request, context)
    }
}
