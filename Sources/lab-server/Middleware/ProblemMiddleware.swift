import HTTPTypes
import Hummingbird
import InventoryService
import Logging
import NIOHTTPTypes

/// Turns every error, the framework's too, into problem+json.
struct ProblemMiddleware: RouterMiddleware {
    typealias Context = LabRequestContext

    @concurrent
    func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return Self.problem(for: error, logger: context.logger).response
        }
    }

    static func problem(for error: any Error, logger: Logger) -> Problem {
        switch error {
        case let problem as Problem:
            return problem
        case let error as InventoryError:
            let problem = ProblemTable.problem(for: error)
            if problem.status.kind == .serverError {
                logger.warning("request not answered", metadata: ["error": "\(error)"])
            }
            return problem
        case let error as any HTTPResponseError:
            return Problem(status: error.status)
        default:
            logger.error("unexpected error", metadata: ["error": "\(error)"])
            return ProblemTable.internalError
        }
    }
}
