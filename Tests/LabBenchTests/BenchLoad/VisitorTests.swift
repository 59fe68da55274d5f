import BenchLoad
import BenchModel
import NIOCore
import NIOHTTP1
import Testing

@Suite("A visitor")
struct VisitorTests {
    private static let site = Visitor.Site(
        LoadTarget(host: "127.0.0.1", port: 1), products: [11, 22], prefix: "visitor-")

    private func visitor() -> Visitor {
        Visitor(Self.site, user: 4, ProductMix.Wishes(ProductMix(count: 2, skew: 0), seed: 1, user: 4))
    }

    private func body(_ errand: Errand) -> String { String(buffer: errand.request.body) }

    /// Answers the next request and says what it was.
    private func step(
        _ visitor: inout Visitor, _ status: Int, _ body: String = "{}"
    ) -> (errand: Errand, turn: VisitTurn) {
        let errand = visitor.next()
        return (errand, visitor.answered(errand, status: status, body: body))
    }

    @Test("registers, logs in, looks, buys what it looked at, and reads the history, as the user it made")
    func wholeVisit() throws {
        var visitor = visitor()
        let (register, first) = step(&visitor, 201)
        #expect(register.request.head.method == .POST)
        #expect(register.request.head.uri == "/api/auth/register")
        #expect(body(register) == #"{"username":"visitor-5-1","password":"lab-bench-5"}"#)
        let (logIn, second) = step(&visitor, 200, #"{"access_token":"a.b.c","token_type":"bearer"}"#)
        #expect(logIn.request.head.uri == "/api/auth/login")
        #expect(body(logIn) == body(register))
        let (view, third) = step(&visitor, 200)
        let product = Self.site.products[view.product]
        #expect(view.request.head.uri == "/api/products/\(product)")
        let (buy, fourth) = step(&visitor, 200, #"{"id":71,"product_id":11}"#)
        #expect(body(buy) == #"{"product_id":\#(product),"quantity":1}"#)
        #expect(buy.request.head.headers.first(name: "Content-Length") == "\(body(buy).utf8.count)")
        let history = visitor.next()
        #expect(history.request.head.uri == "/api/purchases/me?limit=1")
        for errand in [view, buy, history] {
            #expect(errand.request.head.headers.first(name: "Authorization") == "Bearer a.b.c")
        }
        #expect([first, second, third, fourth] == [.goesOn, .goesOn, .goesOn, .goesOn])
        #expect(visitor.shows(history, status: 200, body: #"[{"id":71,"product_id":11}]"#) == true)
        #expect(visitor.shows(history, status: 200, body: "[]") == false)
        #expect(visitor.shows(history, status: 200, body: #"[{"id":7,"product_id":71}]"#) == false)
        #expect(visitor.answered(history, status: 200, body: "[]") == .whole)
        #expect(body(visitor.next()) == #"{"username":"visitor-5-2","password":"lab-bench-5"}"#)
    }

    @Test("leaves when it is not let in, and comes back under another name", arguments: [409, 429, 503])
    func notRegistered(status: Int) {
        var visitor = visitor()
        #expect(step(&visitor, status).turn == .broken)
        #expect(step(&visitor, 201).errand.step == .register)
        #expect(step(&visitor, status).turn == .broken)
        #expect(body(visitor.next()).contains("visitor-5-3"))
    }

    @Test("leaves when the login brings no token")
    func noToken() {
        var visitor = visitor()
        _ = step(&visitor, 201)
        #expect(step(&visitor, 200, #"{"token_type":"bearer"}"#).turn == .broken)
    }

    @Test("reads the history also when nothing was bought, which then need not show anything")
    func soldOut() {
        var visitor = visitor()
        _ = step(&visitor, 201)
        _ = step(&visitor, 200, #"{"access_token":"t"}"#)
        _ = step(&visitor, 200)
        #expect(step(&visitor, 400, #"{"type":"/problems/sold-out"}"#).turn == .goesOn)
        let history = visitor.next()
        #expect(history.step == .history)
        #expect(visitor.shows(history, status: 200, body: "[]") == nil)
    }

    @Test("begins anew after a request that was never answered")
    func lost() {
        var visitor = visitor()
        _ = step(&visitor, 201)
        _ = visitor.next()
        visitor.lost()
        #expect(visitor.next().step == .register)
    }
}
