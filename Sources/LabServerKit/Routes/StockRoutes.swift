import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies
import Logging

/// What an administrator does to stocks.
struct StockRoutes<Strategy: LockStrategy, Store: Ledger> {
    let products: ProductService<Store, MeteredRedis>
    let supply: SupplyService<Strategy, Store, MeteredRedis>
    let reconcile: ReconcileCall

    func add(to routes: RouteRegistrar<Store>) {
        routes.on(.deleteProduct) { _, context in
            guard let id = context.pathID.map({ ProductID($0) }), try await products.delete(id) else {
                throw Problem.productNotFound()
            }
            context.audit("product deleted", ["product_id": "\(id)"])
            return .empty
        }
        routes.on(.adjustStock) { request, context in try await adjust(request, context) }
        routes.on(.reconcile) { request, context in
            let isDryRun = try Query(of: request, for: .reconcile).flag("dry_run")
            let report = try await reconcile(isDryRun)
            context.audit(
                isDryRun ? "stocks compared" : "stocks reconciled", ["findings": "\(report.entries.count)"])
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

/// Compares all stocks with the ledger; unless it is a dry run, it puts right what differs.
typealias ReconcileCall = @Sendable (_ isDryRun: Bool) async throws -> ReconcileReport

extension JSONText {
    fileprivate mutating func fields(of report: ReconcileReport) {
        field("dry_run", report.isDryRun)
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
        field("entries", report.entries) { $0.fields(of: $1) }
    }

    private mutating func fields(of entry: ReconcileReport.Entry) {
        field("product_id", entry.product.rawValue)
        field("supplied", entry.supplied)
        field("sold", entry.sold)
        field("reserved", entry.openUnits)
        field("stock", entry.stock)
        field("drift", entry.drift)
        field("cleared", entry.cleared)
        field("returned", entry.returned)
        field("filled", entry.filled)
        field("problems", entry.problems)
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
