import HTTPTypes
import Hummingbird

/// Tells a browser what an answer may be used for: by which sites' pages, and that it shall come back by
/// HTTPS.
struct HeadersForBrowsers: RouterMiddleware {
    typealias Context = LabRequestContext

    let crossOrigin: CrossOrigin
    /// Browsers are told to come back by HTTPS only.
    let isEncrypted: Bool

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if request.headers[.origin] != nil {
            for field in crossOrigin.headers(for: request) { response.headers[field.name] = field.value }
        }
        if isEncrypted { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }
}
