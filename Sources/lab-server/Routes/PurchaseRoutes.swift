import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies
import Logging

/// Buying, and the purchases of a user.
struct PurchaseRoutes<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort> {
    let purchases: PurchaseService<Strategy, Store, Redis>
    let store: Store
    let strategy: StrategyID
    let metrics: ServerMetrics

    func add(to routes: RouteRegistrar<Store>) {
        routes.on(.purchase) { request, context in await buy(request, context) }
        routes.on(.listMyPurchases) { request, context in
            let page = try Query(of: request, for: .listMyPurchases).page
            let listing = try await store.purchases(of: context.signedIn, page)
            return Response.json(
                JSONText.array(listing.items) { $0.fields(of: $1) },
                headers: [.totalCount: String(listing.total)])
        }
    }

    /// Every answer, a refusal too, says what the purchase cost and by which strategy.
    private func buy(_ request: Request, _ context: LabRequestContext) async -> Response {
        var timings = PurchaseTimings()
        var response: Response
        var outcome: PurchaseOutcome.Kind?
        var isTried = true
        var failure: InventoryError?
        do {
            let report = try await order(request, context)
            timings = report.timings
            outcome = report.outcome.kind
            response = Self.answer(report.outcome, context)
        } catch {
            failure = error as? InventoryError
            if let cost = failure?.timings { timings = cost } else { isTried = false }
            response = ProblemMiddleware.problem(for: error, logger: context.log)
                .response(requestID: context.requestID)
        }
        // A request that could not be a purchase is none.
        let isLeaseLost = failure?.code == .leaseLost
        if isTried { metrics.purchased(outcome, timings, isLeaseLost: isLeaseLost) }
        log(outcome, response.status, timings, context)
        if isTried { logLock(timings.evidence, isLost: isLeaseLost, context) }
        response.headers[.serverTiming] = ServerTiming.text(timings)
        response.headers[.labStrategy] = strategy.rawValue
        return response
    }

    private func log(
        _ outcome: PurchaseOutcome.Kind?, _ status: HTTPResponse.Status, _ timings: PurchaseTimings,
        _ context: LabRequestContext
    ) {
        guard context.logger.logLevel <= .info else { return }
        context.log.info(
            "purchase ended",
            metadata: [
                "event": "purchase", "outcome": "\(outcome?.rawValue ?? "error")", "status": "\(status.code)",
                "user_id": "\(context.user.map { "\($0)" } ?? "")", "strategy": "\(strategy)",
                "lock_wait": "\(timings.evidence.waited)", "lock_hold": "\(timings.evidence.held)",
                "attempts": "\(timings.evidence.attempts)", "redis": "\(timings.redis)",
                "sql": "\(timings.sql)",
            ])
    }

    /// What became of the lock: for who looks for one purchase among many. A lock that was lost is worth a line of
    /// its own at any time.
    private func logLock(_ evidence: Evidence, isLost: Bool, _ context: LabRequestContext) {
        let isDetailed = context.logger.logLevel <= .debug
        if isDetailed, evidence.waited > .zero {
            context.log.debug(
                "waited for the lock",
                metadata: [
                    "event": "lock_waited", "lock_wait": "\(evidence.waited)",
                    "attempts": "\(evidence.attempts)",
                ])
        }
        if isDetailed, evidence.held > .zero {
            context.log.debug(
                "held the lock", metadata: ["event": "lock_held", "lock_hold": "\(evidence.held)"])
        }
        guard isLost || evidence.lostLeases > 0 || evidence.refusedWrites > 0 else { return }
        context.log.warning(
            "the lock ended before its holder was done",
            metadata: [
                "event": "lock_lost", "strategy": "\(strategy)", "lost_leases": "\(evidence.lostLeases)",
                "refused_writes": "\(evidence.refusedWrites)",
            ])
    }

    private func order(_ request: Request, _ context: LabRequestContext) async throws -> PurchaseReport {
        let user = try context.signedIn
        let key = try request.headers[.idempotencyKey].map { text throws(InventoryError) in
            try IdempotencyKey(text)
        }
        let fields = try await Fields(of: request, for: .purchase)
        let product = try fields.integer("product_id")
        guard product > 0 else { throw Problem.invalid("product_id", "must be a whole number from 1") }
        return try await purchases.purchase(
            product: ProductID(Int64(product)), quantity: fields.integer("quantity"), for: user,
            idempotencyKey: key)
    }

    private static func answer(_ outcome: PurchaseOutcome, _ context: LabRequestContext) -> Response {
        switch outcome {
        case .purchased(let purchase), .repeated(let purchase):
            return .json(JSONText.object { $0.fields(of: purchase) })
        case .soldOut, .contended, .oversellRefused, .limitReached, .productNotFound:
            return (ProblemTable.problem(for: outcome.kind) ?? ProblemTable.internalError)
                .response(requestID: context.requestID)
        }
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let labStrategy = HTTPField.Name("Lab-Strategy")!
    static let serverTiming = HTTPField.Name("Server-Timing")!
}

extension JSONText {
    mutating func fields(of purchase: Purchase) {
        field("id", purchase.id.rawValue)
        field("product_id", purchase.product.rawValue)
        field("quantity", purchase.quantity)
        field("total_price", purchase.totalPrice)
        field("purchased_at", purchase.purchasedAt)
    }
}
