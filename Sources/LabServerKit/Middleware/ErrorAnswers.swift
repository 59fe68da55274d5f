import Hummingbird

/// Turns every error that comes out of what is inside, the framework's too, into problem+json.
struct ErrorAnswers: RouterMiddleware {
    typealias Context = LabRequestContext

    let metrics: ServerMetrics

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let problem: Problem
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            // The router knows no such path, or no such method at it.
            metrics.answeredUnknownRoute()
            let allowed = RouteTable.methods(at: request.uri.path)
            problem = allowed.isEmpty ? Problem(status: .notFound) : .wrongMethod(allowed: allowed)
        } catch {
            problem = Problem(answering: error, logger: context.log)
        }
        let response = problem.response(requestID: context.requestID)
        metrics.answeredByFront(response.status.code)
        return response
    }
}
