import Hummingbird
import InventoryService

/// What a request carries through middleware and routes.
struct LabRequestContext: RequestContext {
    /// Bytes of a request body: the largest legitimate one is a product with a long description.
    static let bodyBytes = 64 << 10

    var coreContext: CoreRequestContextStorage
    /// The user of the request's token, on routes that need one.
    var user: UserID?

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
    }

    var maxUploadSize: Int { Self.bodyBytes }

    /// - Throws: ``Problem`` 401 on a route that forgot to ask for a token.
    var signedIn: UserID {
        get throws(Problem) {
            guard let user else { throw .unauthorized("this needs an access token", isTokenGiven: false) }
            return user
        }
    }
}
