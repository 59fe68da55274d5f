package import BenchModel
import Foundation
import NIOCore
import NIOHTTP1

/// Comes as somebody new each time: registers, logs in, looks at a product, buys one unit, reads the history.
/// A refusal to register or to log in ends the visit; who cannot buy still reads the history.
package struct Visitor: LoadUser {
    /// What all visitors of a trial share.
    package struct Site: Sendable {
        package let target: LoadTarget
        package let products: [Int64]
        /// Begins the trial's user names: no other trial on the same server has it.
        package let prefix: String
        fileprivate let bodies: [ByteBuffer]

        package init(_ target: LoadTarget, products: [Int64], prefix: String) {
            self.target = target
            self.products = products
            self.prefix = prefix
            bodies = PurchaseOrders.bodies(of: products)
        }
    }

    private let site: Site
    private let user: Int
    private var wishes: ProductMix.Wishes
    private var visits = 0
    private var step = JourneyStep.register
    private var product = 0
    private var token = ""
    /// The number of the purchase of this visit; nil: nothing was bought.
    private var bought: String?

    package init(_ site: Site, user: Int, _ wishes: ProductMix.Wishes) {
        self.site = site
        self.user = user
        self.wishes = wishes
    }

    package mutating func next() -> Errand {
        if step == .register {
            visits += 1
            product = wishes.next()
            bought = nil
        }
        return Errand(
            step: step, product: product, request: request,
            needsBody: step == .logIn || step == .buy || step == .history)
    }

    package mutating func answered(_ errand: Errand, status: Int, body: String) -> VisitTurn {
        let isGood = status == errand.step.goodStatus
        switch errand.step {
        case .register where isGood: step = .logIn
        case .logIn where isGood:
            guard let token = Self.text("access_token", in: body) else { return end(.broken) }
            self.token = token
            step = .view
        case .register, .logIn: return end(.broken)
        case .view: step = .buy
        case .buy:
            if isGood { bought = Self.number("id", in: body) }
            step = .history
        case .history: return end(isGood ? .whole : .broken)
        }
        return .goesOn
    }

    package mutating func lost() { step = .register }

    /// Whether an answer to the history shows the purchase of this visit; nil when there is none to be shown.
    package func shows(_ errand: Errand, status: Int, body: String) -> Bool? {
        guard errand.step == .history, status == 200, let bought else { return nil }
        // A new user has this one purchase only, so it is the first one.
        return Self.number("id", in: body) == bought
    }

    private mutating func end(_ turn: VisitTurn) -> VisitTurn {
        step = .register
        return turn
    }

    private var request: PreparedRequest {
        let target = site.target
        switch step {
        case .register, .logIn:
            let path = step == .register ? "/api/auth/register" : "/api/auth/login"
            let name = "\(site.prefix)\(user + 1)-\(visits)"
            let body = ByteBuffer(string: #"{"username":"\#(name)","password":"lab-bench-\#(user + 1)"}"#)
            return PreparedRequest(
                head: target.head(.POST, path, token: nil, length: body.readableBytes), body: body)
        case .view:
            return target.get("/api/products/\(site.products[product])", token: token)
        case .buy:
            let body = site.bodies[product]
            return PreparedRequest(
                head: target.head(.POST, "/api/purchases", token: token, length: body.readableBytes),
                body: body)
        case .history:
            return target.get("/api/purchases/me?limit=1", token: token)
        }
    }

    /// The first text field of this name; tokens and numbers hold nothing that JSON escapes.
    private static func text(_ name: String, in json: String) -> String? {
        guard let key = json.firstRange(of: "\"\(name)\"") else { return nil }
        let value = json[key.upperBound...].drop { $0 != "\"" }.dropFirst()
        let text = value.prefix { $0 != "\"" }
        return text.isEmpty || text.endIndex == json.endIndex ? nil : String(text)
    }

    /// The first number of this name.
    private static func number(_ name: String, in json: String) -> String? {
        guard let key = json.firstRange(of: "\"\(name)\"") else { return nil }
        let value = json[key.upperBound...].drop { $0 == ":" || $0 == " " }
        let digits = value.prefix(while: \.isNumber)
        return digits.isEmpty ? nil : String(digits)
    }
}
