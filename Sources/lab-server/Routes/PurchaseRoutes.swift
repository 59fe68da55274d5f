import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies

/// Buying, and the purchases of a user.
struct PurchaseRoutes<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort> {
    let purchases: PurchaseService<Strategy, Store, Redis>
    let store: Store
    let strategy: StrategyID

    func add(to signedIn: RouterGroup<LabRequestContext>) {
        signedIn.post("/api/purchases") { request, context in await buy(request, context) }
        signedIn.get("/api/purchases/me") { request, context in
            let listing = try await store.purchases(of: context.signedIn, request.page)
            return Response.json(
                JSONText.array(listing.items) { $0.fields(of: $1) },
                headers: [.totalCount: String(listing.total)])
        }
    }

    /// Every answer, a refusal too, says what the purchase cost and by which strategy.
    private func buy(_ request: Request, _ context: LabRequestContext) async -> Response {
        var timings = PurchaseTimings()
        var response: Response
        do {
            let report = try await order(request, context)
            timings = report.timings
            response = Self.answer(report.outcome)
        } catch {
            if let cost = (error as? InventoryError)?.timings { timings = cost }
            response = ProblemMiddleware.problem(for: error, logger: context.logger).response
        }
        response.headers[.serverTiming] = ServerTiming.text(timings)
        response.headers[.labStrategy] = strategy.rawValue
        return response
    }

    private func order(_ request: Request, _ context: LabRequestContext) async throws -> PurchaseReport {
        let user = try context.signedIn
        let key = try request.headers[.idempotencyKey].map { text throws(InventoryError) in
            try IdempotencyKey(text)
        }
        let fields = try await Fields(of: request, known: ["product_id", "quantity"])
        let product = try fields.integer("product_id")
        guard product > 0 else { throw Problem.invalid("product_id", "must be a whole number from 1") }
        return try await purchases.purchase(
            product: ProductID(Int64(product)), quantity: fields.integer("quantity"), for: user,
            idempotencyKey: key)
    }

    private static func answer(_ outcome: PurchaseOutcome) -> Response {
        switch outcome {
        case .purchased(let purchase), .repeated(let purchase):
            return .json(JSONText.object { $0.fields(of: purchase) })
        case .soldOut, .contended, .oversellRefused, .productNotFound:
            return (ProblemTable.problem(for: outcome.kind) ?? ProblemTable.internalError).response
        }
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let labStrategy = HTTPField.Name("Lab-Strategy")!
    static let serverTiming = HTTPField.Name("Server-Timing")!
}

extension JSONText {
    fileprivate mutating func fields(of purchase: Purchase) {
        field("id", purchase.id.rawValue)
        field("product_id", purchase.product.rawValue)
        field("quantity", purchase.quantity)
        field("total_price", purchase.totalPrice)
        field("purchased_at", purchase.purchasedAt)
    }
}
