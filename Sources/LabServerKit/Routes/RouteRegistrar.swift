import HTTPTypes
import Hummingbird
import InventoryService

/// Gives routes of the table to the router.
struct RouteRegistrar<Store: Ledger> {
    typealias Handler = @Sendable (Request, LabRequestContext) async throws -> Response

    private let router: Router<LabRequestContext>
    private let door: FrontDoor
    private let authentication: Authentication<Store>

    init(_ router: Router<LabRequestContext>, behind door: FrontDoor, auth: AuthService<Store>) {
        self.router = router
        self.door = door
        authentication = Authentication(auth: auth)
    }

    /// - Parameter headers: Of every answer of the route that does not set them itself.
    func on(_ id: OperationID, headers: HTTPFields = [:], _ handler: @escaping Handler) {
        let route = RouteTable[id]
        router.on(
            RouterPath(route.routerPath), method: route.method,
            responder: RouteResponder(
                id: id, access: route.access, headers: headers, door: door, authentication: authentication,
                load: door.metrics.inFlight(of: id), handler: handler))
    }
}

/// One route: behind the front door, the limit of requests and the check of who asks that its declaration
/// wants; then its handler. All that these throw becomes an answer.
private struct RouteResponder<Store: Ledger>: HTTPResponder {
    let id: OperationID
    let access: RouteDeclaration.Access
    let headers: HTTPFields
    let door: FrontDoor
    let authentication: Authentication<Store>
    /// Requests of this route that are being answered.
    let load: Counter
    let handler: RouteRegistrar<Store>.Handler

    @concurrent
    func respond(to request: Request, context: LabRequestContext) async throws -> Response {
        await door.answer(request, context) { request, context in await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: LabRequestContext) async -> Response {
        let start = ContinuousClock.now
        load.add()
        defer { load.add(-1) }
        return complete(await handled(request, context), since: start)
    }

    private func handled(_ request: Request, _ context: LabRequestContext) async -> Response {
        do {
            guard load.value <= door.front.inFlightPerRoute else {
                door.metrics.refusedByRoute.add()
                throw Problem.overloaded
            }
            guard access != .anyone else { return try await handler(request, context) }
            let caller = try await authentication.caller(of: request, for: access, in: context)
            return try await handler(request, context.of(caller))
        } catch {
            return refusal(error, context)
        }
    }

    @inline(never)
    private func refusal(_ error: any Error, _ context: LabRequestContext) -> Response {
        Problem(answering: error, logger: context.log).response(requestID: context.requestID)
    }

    @inline(never)
    private func complete(_ given: Response, since start: ContinuousClock.Instant) -> Response {
        var response = given
        for field in headers where response.headers[field.name] == nil {
            response.headers[field.name] = field.value
        }
        door.metrics.answered(id, response.status.code, in: start.duration(to: .now))
        return response
    }
}
