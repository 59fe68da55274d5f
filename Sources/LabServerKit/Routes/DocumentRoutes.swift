import Hummingbird
import InventoryService

/// What the API says about itself.
struct DocumentRoutes {
    private static let document = ByteBuffer(string: OpenAPIDocument.tree.json)

    func add(to routes: RouteRegistrar<some Ledger>) {
        routes.on(.openAPI) { _, _ in .json(Self.document) }
        let page = DocsPage()
        routes.on(.docs) { _, _ in page.response() }
    }
}
