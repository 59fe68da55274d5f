import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies

/// Products and their stock.
struct ProductRoutes<Store: Ledger> {
    let products: ProductService<Store, MeteredRedis>

    func add(to routes: RouteRegistrar<Store>) {
        routes.on(.createProduct) { request, context in try await create(request, context) }
        routes.on(.listProducts) { request, _ in
            let page = try Query(of: request, for: .listProducts).page
            return Response.list(
                try await products.list(page), page, of: request, id: { $0.product.id.rawValue }
            ) { $0.fields(of: $1) }
        }
        routes.on(.getProduct) { _, context in
            guard let offer = try await products.get(context.productID) else {
                throw Problem.productNotFound()
            }
            return Response.json(JSONText.object { $0.fields(of: offer) })
        }
        routes.on(.getStock) { _, context in
            let id = try context.productID
            guard let units = try await products.stock(of: id) else { throw Problem.productNotFound() }
            let body = JSONText.object { json in
                json.field("product_id", id.rawValue)
                json.field("quantity", units)
            }
            return Response.json(body)
        }
    }

    private func create(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .createProduct)
        let product = try NewProduct(
            name: fields.text("name"), description: fields.optionalText("description"),
            price: fields.integer("price"), initialStock: fields.integer("initial_stock"))
        let offer = try await products.create(product, by: context.signedIn)
        return .json(
            JSONText.object { $0.fields(of: offer) }, status: .created,
            headers: [.location: "/api/products/\(offer.product.id)"])
    }
}

extension JSONText {
    mutating func fields(of offer: ProductOffer) {
        field("id", offer.product.id.rawValue)
        field("name", offer.product.name)
        field("description", offer.product.description)
        field("price", offer.product.price)
        field("current_stock", offer.stock)
        field("created_at", offer.product.createdAt)
    }
}

extension LabRequestContext {
    /// The product that the path names.
    fileprivate var productID: ProductID {
        get throws(Problem) {
            guard let number = pathID else { throw .productNotFound() }
            return ProductID(number)
        }
    }
}
