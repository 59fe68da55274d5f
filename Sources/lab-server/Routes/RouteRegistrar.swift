import HTTPTypes
import Hummingbird
import InventoryService

/// Gives routes of the table to the router, each behind the check that its declaration asks for, and turns
/// all that a route throws into its answer.
struct RouteRegistrar<Store: Ledger> {
    typealias Handler = @Sendable (Request, LabRequestContext) async throws -> Response

    private let router: Router<LabRequestContext>
    private let authentication: Authentication<Store>
    private let metrics: ServerMetrics

    init(_ router: Router<LabRequestContext>, auth: AuthService<Store>, metrics: ServerMetrics) {
        self.router = router
        authentication = Authentication(auth: auth)
        self.metrics = metrics
    }

    func on(_ id: OperationID, _ handler: @escaping Handler) {
        let route = RouteTable[id]
        let (authentication, metrics) = (authentication, metrics)
        router.on(RouterPath(route.routerPath), method: route.method) { request, context in
            let start = ContinuousClock.now
            var context = context
            var response: Response
            do {
                if route.access != .anyone {
                    context.user = try await authentication.caller(
                        of: request, for: route.access, in: context)
                }
                response = try await handler(request, context)
            } catch {
                response = ProblemMiddleware.problem(for: error, logger: context.log)
                    .response(requestID: context.requestID)
            }
            metrics.answered(id, response.status.code, in: start.duration(to: .now))
            return response
        }
    }
}
