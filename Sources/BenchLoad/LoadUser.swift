package import BenchModel
import NIOCore
import NIOHTTP1

/// One request that a user shall send now.
package struct Errand: Sendable {
    package let step: JourneyStep
    /// Place of the product among those of the trial.
    package let product: Int
    package let request: PreparedRequest
    /// The user goes on with something that the answer says.
    var needsBody = false
}

/// What one user of a load does over HTTP, request by request: a pure machine that is told the answers.
package protocol LoadUser: Sendable {
    /// - Returns: What to send now; the first request of a visit, or the next one.
    mutating func next() -> Errand

    /// The request was answered.
    ///
    /// - Parameter body: Whole when the errand needs it, else what was looked at.
    mutating func answered(_ errand: Errand, status: Int, body: String) -> VisitTurn

    /// Whether an answer shows what this user has bought before; nil when it need not. Asked before
    /// ``answered(_:status:body:)``.
    func shows(_ errand: Errand, status: Int, body: String) -> Bool?

    /// The request will never be answered: the visit is over.
    mutating func lost()
}

extension LoadUser {
    package func shows(_ errand: Errand, status: Int, body: String) -> Bool? { nil }
}

/// How a visit stands after an answer.
package enum VisitTurn: Sendable, Equatable {
    /// The next request follows at once.
    case goesOn
    /// The visit is over, and was whole.
    case whole
    /// The visit is over before its end.
    case broken
}

/// Buys, again and again.
struct Buyer: LoadUser {
    private let orders: PurchaseOrders
    private var wishes: ProductMix.Wishes

    init(_ orders: PurchaseOrders, _ wishes: ProductMix.Wishes) {
        self.orders = orders
        self.wishes = wishes
    }

    mutating func next() -> Errand {
        let product = wishes.next()
        return Errand(step: .buy, product: product, request: orders.request(for: product))
    }

    func answered(_ errand: Errand, status: Int, body: String) -> VisitTurn { .whole }

    func lost() {}
}

/// Sends one request, again and again.
package struct Knocker: LoadUser {
    package let request: PreparedRequest

    package init(request: PreparedRequest) {
        self.request = request
    }

    package func next() -> Errand { Errand(step: .buy, product: 0, request: request) }

    package func answered(_ errand: Errand, status: Int, body: String) -> VisitTurn { .whole }

    package func lost() {}
}

/// One user's purchases of one unit, made beforehand: bodies are shared by all users, heads by all products
/// whose numbers are equally long.
struct PurchaseOrders: Sendable {
    private let bodies: [ByteBuffer]
    private let heads: [Int: HTTPRequestHead]

    init(_ target: LoadTarget, bodies: [ByteBuffer], token: String) {
        self.bodies = bodies
        var heads: [Int: HTTPRequestHead] = [:]
        for length in Set(bodies.map(\.readableBytes)) {
            heads[length] = target.head(.POST, "/api/purchases", token: token, length: length)
        }
        self.heads = heads
    }

    static func bodies(of products: [Int64]) -> [ByteBuffer] {
        products.map { ByteBuffer(string: #"{"product_id":\#($0),"quantity":1}"#) }
    }

    func request(for product: Int) -> PreparedRequest {
        let body = bodies[product]
        guard let head = heads[body.readableBytes] else { preconditionFailure("a head for each length") }
        return PreparedRequest(head: head, body: body)
    }
}
