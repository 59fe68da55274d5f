import HTTPTypes
import Hummingbird
import InventoryService

/// Lets a request through when its access token is valid, and notes whose it is. The token is taken from
/// the Authorization header only.
struct Authentication<Store: Ledger>: RouterMiddleware {
    typealias Context = LabRequestContext

    let auth: AuthService<Store>

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization] else {
            throw Problem.unauthorized("this needs an access token", isTokenGiven: false)
        }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Problem.unauthorized("the Authorization header must be: Bearer <token>")
        }
        var context = context
        context.user = try auth.verify(String(parts[1]))
        return try await next(request, context)
    }
}
