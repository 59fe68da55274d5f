/// Every operation that the server answers, under the name that the OpenAPI document gives it.
enum OperationID: String, Sendable, CaseIterable {
    case register
    case logIn
    case logOut
    case changePassword
    case me
    case createProduct
    case listProducts
    case getProduct
    case getStock
    case purchase
    case listMyPurchases
    case changeProduct
    case deleteProduct
    case adjustStock
    case reconcile
    case listPurchases
    case listUsers
    case changeUser
    case getLogLevel
    case setLogLevel
    case live
    case startup
    case ready
    case openAPI
    case docs
    case home
    case explainProblem
}
