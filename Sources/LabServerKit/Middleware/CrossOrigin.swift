import HTTPTypes
import Hummingbird

/// Which other sites' pages may call this API: those that are listed, letter for letter. None by default.
struct CrossOrigin: Sendable {
    let origins: Set<String>

    /// The headers of an answer to a page of a listed site; nothing for any other.
    func headers(for request: Request) -> HTTPFields {
        guard !origins.isEmpty, let origin = request.headers[.origin], origins.contains(origin) else {
            return [:]
        }
        return [
            .accessControlAllowOrigin: origin, .vary: "Origin",
            .accessControlExposeHeaders:
                "Location, Retry-After, Server-Timing, Lab-Strategy, X-Total-Count, Link, X-Request-ID, "
                + "RateLimit, RateLimit-Policy, traceparent, tracestate",
        ]
    }

    /// The answer to a browser that asks before it calls; nil when this is no such question.
    func preflight(_ request: Request) -> Response? {
        guard request.method == .options, request.headers[.accessControlRequestMethod] != nil else {
            return nil
        }
        let allowed = RouteTable.methods(at: request.uri.path)
        var headers = headers(for: request)
        guard !allowed.isEmpty, !headers.isEmpty else { return nil }
        headers[.accessControlAllowMethods] = allowed.map(\.rawValue).joined(separator: ", ")
        headers[.accessControlAllowHeaders] =
            "Authorization, Content-Type, Idempotency-Key, X-Request-ID, traceparent, tracestate"
        headers[.accessControlMaxAge] = "600"
        return Response(status: .noContent, headers: headers)
    }
}
