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
    /// Requests of one route that are answered at the same time; more are refused.
    private let inFlight: Int

    init(
        _ router: Router<LabRequestContext>, auth: AuthService<Store>, metrics: ServerMetrics, inFlight: Int
    ) {
        self.router = router
        self.inFlight = inFlight
        authentication = Authentication(auth: auth)
        self.metrics = metrics
    }

    /// - Parameter headers: Of every answer of the route that does not set them itself.
    func on(_ id: OperationID, headers: HTTPFields = [:], _ handler: @escaping Handler) {
        let route = RouteTable[id]
        let (authentication, metrics, most) = (authentication, metrics, inFlight)
        let load = metrics.inFlight(of: id)
        router.on(RouterPath(route.routerPath), method: route.method) { request, context in
            let start = ContinuousClock.now
            load.add()
            defer { load.add(-1) }
            var context = context
            var response: Response
            do {
                guard load.value <= most else {
                    metrics.refusedByRoute.add()
                    throw Problem.overloaded
                }
                if route.access != .anyone {
                    context.user = try await authentication.caller(
                        of: request, for: route.access, in: context)
                }
                response = try await handler(request, context)
            } catch {
                response = Problem(answering: error, logger: context.log)
                    .response(requestID: context.requestID)
            }
            for field in headers where response.headers[field.name] == nil {
                response.headers[field.name] = field.value
            }
            metrics.answered(id, response.status.code, in: start.duration(to: .now))
            return response
        }
    }
}
