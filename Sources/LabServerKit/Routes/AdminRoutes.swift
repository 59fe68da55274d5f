import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies

/// What only an administrator does.
struct AdminRoutes<Store: Ledger> {
    let auth: AuthService<Store>
    let products: ProductService<Store, MeteredRedis>
    let store: Store

    func add(to routes: RouteRegistrar<Store>) {
        routes.on(.changeProduct) { request, context in try await changeProduct(request, context) }
        routes.on(.listPurchases) { request, _ in
            let query = try Query(of: request, for: .listPurchases)
            let filter = try PurchaseFilter(
                user: query.id("user_id").map { UserID($0) },
                product: query.id("product_id").map { ProductID($0) }, from: query.time("from"),
                until: query.time("until"))
            let page = try query.page
            let listing = try await store.purchases(matching: filter, page)
            return Response.list(listing, page, of: request, id: { $0.id.rawValue }) { json, purchase in
                json.field("user_id", purchase.user.rawValue)
                json.fields(of: purchase)
            }
        }
        routes.on(.listUsers) { request, _ in
            let page = try Query(of: request, for: .listUsers).page
            let listing = try await store.users(page)
            return Response.list(listing, page, of: request, id: { $0.id.rawValue }) {
                $0.managedFields(of: $1)
            }
        }
        routes.on(.changeUser) { request, context in try await changeUser(request, context) }
    }

    private func changeProduct(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .changeProduct)
        guard let id = context.pathID.map({ ProductID($0) }) else { throw Problem.productNotFound() }
        let change = try ProductChange(
            name: fields.isGiven("name") ? fields.text("name") : nil,
            description: fields.isGiven("description") ? .some(fields.optionalText("description")) : nil,
            price: fields.isGiven("price") ? fields.integer("price") : nil)
        guard try await store.changeProduct(id, change) != nil, let offer = try await products.get(id) else {
            throw Problem.productNotFound()
        }
        context.audit("product changed", ["product_id": "\(id)"])
        return .json(JSONText.object { $0.fields(of: offer) })
    }

    private func changeUser(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .changeUser)
        guard let id = context.pathID.map({ UserID($0) }) else { throw Problem.userNotFound }
        var changes: [UserChange] = []
        if fields.isGiven("role") {
            guard let role = UserRole(rawValue: try fields.text("role")) else {
                throw Problem.invalid("role", "must be user or admin")
            }
            changes.append(.role(role))
        }
        if fields.isGiven("disabled") { changes.append(.disabled(try fields.boolean("disabled"))) }
        guard let user = try await auth.change(id, changes) else { throw Problem.userNotFound }
        context.audit("user changed", ["changed_user_id": "\(id)"])
        return .json(JSONText.object { $0.managedFields(of: user) })
    }
}

extension JSONText {
    fileprivate mutating func managedFields(of user: User) {
        fields(of: user)
        field("role", user.role.rawValue)
        field("disabled", user.disabledAt != nil)
    }
}
