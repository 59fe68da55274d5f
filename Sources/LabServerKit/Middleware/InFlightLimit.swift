import Hummingbird

/// Counts the requests that are being answered, and refuses those beyond a limit.
struct InFlightLimit: RouterMiddleware {
    typealias Context = LabRequestContext

    let most: Int
    let metrics: ServerMetrics

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        metrics.inFlight.add()
        defer { metrics.inFlight.add(-1) }
        guard metrics.inFlight.value <= most else {
            metrics.refusedByServer.add()
            throw Problem.overloaded
        }
        return try await next(request, context)
    }
}
