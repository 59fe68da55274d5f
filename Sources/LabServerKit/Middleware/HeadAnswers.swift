import Hummingbird

/// An answer to HEAD has the headers of the answer to GET, and no body, whoever gave it.
struct HeadAnswers: RouterMiddleware {
    @concurrent
    func handle(
        _ request: Request, context: LabRequestContext,
        next: @concurrent (Request, LabRequestContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        return request.method == .head ? response.createHeadResponse() : response
    }
}
