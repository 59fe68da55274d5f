import Hummingbird
import InventoryService

/// What the API says about itself.
struct DocumentRoutes {
    private static let document = ByteBuffer(string: OpenAPIDocument.tree.json)

    func add(to routes: RouteRegistrar<some Ledger>) {
        routes.on(.openAPI) { _, _ in .json(Self.document) }
        let page = DocsPage()
        routes.on(.docs) { _, _ in page.response() }
        routes.on(.home) { _, _ in Response(status: .found, headers: [.location: RouteTable[.docs].path]) }
        routes.on(.explainProblem) { _, context in
            guard let kind = context.parameters.get("id").flatMap(ProblemKind.init(rawValue:)) else {
                throw Problem(status: .notFound)
            }
            return kind.page
        }
    }
}
