import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies
import Logging
import Tracing

/// Buying, and the purchases of a user.
struct PurchaseRoutes<Strategy: LockStrategy, Store: Ledger> {
    let purchases: PurchaseService<Strategy, Store, MeteredRedis>
    let store: Store
    let strategy: StrategyID
    let metrics: ServerMetrics

    func add(to routes: RouteRegistrar<Store>) {
        // Also where no purchase was begun: without a token, or with the route full.
        let nothing: HTTPFields = [
            .serverTiming: ServerTimingHeader.text(PurchaseTimings()), .labStrategy: strategy.rawValue,
        ]
        routes.on(.purchase, headers: nothing) { request, context in await buy(request, context) }
        routes.on(.listMyPurchases) { request, context in
            let page = try Query(of: request, for: .listMyPurchases).page
            let listing = try await store.purchases(of: context.signedIn, page)
            return Response.list(listing, page, of: request, id: { $0.id.rawValue }) { $0.fields(of: $1) }
        }
    }

    /// What became of a request, for metrics and log.
    private struct Ending {
        /// Nil for a request that names none.
        var product: ProductID?
        var timings = PurchaseTimings()
        /// Nil where the question could not be answered.
        var outcome: PurchaseOutcome.Kind?
        /// False when the request was rejected before anything was tried.
        var isTried = true
        var isLeaseLost = false
    }

    /// Every answer, a refusal too, says what the purchase cost and by which strategy.
    ///
    /// Only what has to live across the purchase stands here: of a thousand purchases under way, each has
    /// room for all of it.
    private func buy(_ request: Request, _ context: LabRequestContext) async -> Response {
        var product: ProductID?
        let result: Result<PurchaseReport, any Error>
        do {
            let order = try await order(request, context)
            product = order.product
            result = .success(try await purchase(order))
        } catch {
            result = .failure(error)
        }
        return answer(to: product, result, context)
    }

    @inline(never)
    private func answer(
        to product: ProductID?, _ result: Result<PurchaseReport, any Error>, _ context: LabRequestContext
    ) -> Response {
        var ending = Ending(product: product)
        var response: Response
        switch result {
        case .success(let report):
            ending.timings = report.timings
            ending.outcome = report.outcome.kind
            response = Self.answer(report.outcome, context)
        case .failure(let error):
            let failure = error as? InventoryError
            if let cost = failure?.timings { ending.timings = cost } else { ending.isTried = false }
            ending.isLeaseLost = failure?.code == .leaseLost
            response = Problem(answering: error, logger: logger(of: ending, context))
                .response(requestID: context.requestID)
        }
        if ending.isTried {
            metrics.purchased(ending.outcome, ending.timings, isLeaseLost: ending.isLeaseLost)
        }
        log(ending, response.status, context)
        if ending.isTried { logLock(ending, context) }
        response.headers[.serverTiming] = ServerTimingHeader.text(ending.timings)
        response.headers[.labStrategy] = strategy.rawValue
        return response
    }

    private func purchase(_ order: PurchaseOrder) async throws -> PurchaseReport {
        try await RequestSpan.part(
            "purchase",
            work: {
                try await purchases.purchase(
                    product: order.product, quantity: order.quantity, for: order.user,
                    idempotencyKey: order.key)
            },
            describe: { report, attributes in
                attributes["lab.strategy"] = strategy.rawValue
                attributes["lab.outcome"] = report.outcome.kind.rawValue
                attributes["lab.product_id"] = order.product.rawValue
            })
    }

    /// The request's logger, with what the purchase is about.
    private func logger(of ending: Ending, _ context: LabRequestContext) -> Logger {
        var log = context.log
        log[metadataKey: "strategy"] = "\(strategy)"
        if let product = ending.product { log[metadataKey: "product_id"] = "\(product)" }
        if let id = ending.timings.reservation { log[metadataKey: "reservation_id"] = "\(id)" }
        return log
    }

    private func log(_ ending: Ending, _ status: HTTPResponse.Status, _ context: LabRequestContext) {
        guard context.logger.logLevel <= .info else { return }
        let timings = ending.timings
        logger(of: ending, context).info(
            "purchase ended",
            metadata: [
                "event": "purchase", "outcome": "\(ending.outcome?.rawValue ?? "error")",
                "status": "\(status.code)", "lock_wait": "\(timings.evidence.waited)",
                "lock_hold": "\(timings.evidence.held)", "attempts": "\(timings.evidence.attempts)",
                "redis": "\(timings.redis)", "sql": "\(timings.sql)",
            ])
    }

    /// What became of the lock: for who looks for one purchase among many. A lock that was lost is worth a
    /// line of its own at any time.
    private func logLock(_ ending: Ending, _ context: LabRequestContext) {
        let evidence = ending.timings.evidence
        let isDetailed = context.logger.logLevel <= .debug
        if isDetailed, evidence.waited > .zero {
            logger(of: ending, context).debug(
                "waited for the lock",
                metadata: [
                    "event": "lock_waited", "lock_wait": "\(evidence.waited)",
                    "attempts": "\(evidence.attempts)",
                ])
        }
        let isLost = ending.isLeaseLost || evidence.lostLeases > 0 || evidence.refusedWrites > 0
        if isDetailed, evidence.held > .zero {
            let log = logger(of: ending, context)
            log.debug(
                "had the lock",
                metadata: ["event": "lock_acquired", "lock_wait": "\(evidence.waited)"])
            let isReleased = !isLost && evidence.failedReleases == 0
            log.debug(
                isReleased ? "gave the lock back" : "did not give the lock back",
                metadata: [
                    "event": isReleased ? "lock_released" : "lock_left", "lock_hold": "\(evidence.held)",
                ])
        }
        guard isLost else { return }
        logger(of: ending, context).warning(
            "the lock ended before its holder was done",
            metadata: [
                "event": "lock_lost", "lost_leases": "\(evidence.lostLeases)",
                "refused_writes": "\(evidence.refusedWrites)",
            ])
    }

    private func order(_ request: Request, _ context: LabRequestContext) async throws -> PurchaseOrder {
        let user = try context.signedIn
        let key = try request.headers[.idempotencyKey].map { text throws(InventoryError) in
            try IdempotencyKey(text)
        }
        let fields = try await Fields(of: request, for: .purchase)
        let product = try fields.integer("product_id")
        guard product > 0 else { throw Problem.invalid("product_id", "must be a whole number from 1") }
        return PurchaseOrder(
            product: ProductID(Int64(product)), quantity: try fields.integer("quantity"), user: user, key: key
        )
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
