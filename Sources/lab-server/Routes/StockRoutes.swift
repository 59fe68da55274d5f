import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies
import Logging

/// What an administrator does to stocks.
struct StockRoutes<Strategy: LockStrategy, Store: Ledger, Redis: RedisPort> {
    let products: ProductService<Store, Redis>
    let supply: SupplyService<Strategy, Store, Redis>
    let reconcile: @Sendable () async throws -> ReconcileReport

    func add(to routes: RouteRegistrar<Store>) {
        routes.on(.deleteProduct) { _, context in
            guard let id = context.pathID.map({ ProductID($0) }), try await products.delete(id) else {
                throw Problem.productNotFound()
            }
            context.audit("product deleted", ["product_id": "\(id)"])
            return .empty
        }
        routes.on(.adjustStock) { request, context in try await adjust(request, context) }
        routes.on(.reconcile) { _, context in
            let report = try await reconcile()
            context.audit("stocks reconciled", ["findings": "\(report.entries.count)"])
            return Response.json(JSONText.object { $0.fields(of: report) })
        }
    }

    private func adjust(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .adjustStock)
        let (delta, reason) = (try fields.integer("delta"), try fields.text("reason"))
        guard let id = context.pathID.map({ ProductID($0) }) else { throw Problem.productNotFound() }
        switch try await supply.adjust(id, by: delta, because: reason, actor: context.signedIn) {
        case .productNotFound: throw Problem.productNotFound()
        case .belowZero: throw Problem.belowZero
        case .outOfRange: throw Problem.tooManyUnits
        case .contended: throw Problem.contended
        case .adjusted: break
        }
        context.audit("stock adjusted", ["product_id": "\(id)", "delta": "\(delta)"])
        guard let units = try await products.stock(of: id) else { throw Problem.productNotFound() }
        let body = JSONText.object { json in
            json.field("product_id", id.rawValue)
            json.field("quantity", units)
        }
        return .json(body)
    }
}

extension JSONText {
    fileprivate mutating func fields(of report: ReconcileReport) {
        field("products", report.products)
        field("distrusted", report.distrusted)
        field("findings", report.entries.count)
        field("cleared", report.cleared)
        field("returned", report.returned)
        field("filled", report.filled)
        field("drift_units", report.driftUnits)
        field(
            "problems",
            report.entries.flatMap { entry in entry.problems.map { "product \(entry.product): \($0)" } })
    }
}

extension LabRequestContext {
    /// Writes down what an administrator did.
    func audit(_ what: String, _ details: [String: String]) {
        var metadata = details.mapValues { Logger.MetadataValue.string($0) }
        metadata["event"] = "admin_action"
        metadata["user_id"] = user.map { "\($0)" }
        log.notice("\(what)", metadata: metadata)
    }
}
