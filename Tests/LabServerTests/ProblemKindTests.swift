import HTTPTypes
import InventoryService
import LabTesting
import Testing

@testable import LabServerKit

/// The type of a problem leads to its explanation, and the address of the server to its page.
@Suite struct ProblemKindTests {
    /// Every problem that the document, the table of outcomes, the table of errors and the front have.
    private static var all: [Problem] {
        let documented = RouteTable.all.flatMap { $0.refusals.map(\.problem) }
        let outcomes = PurchaseOutcome.Kind.allCases.compactMap(ProblemTable.problem(for:))
        let errors = InventoryError.Code.allCases.map { ProblemTable.problem(for: InventoryError($0, "x")) }
        return documented + outcomes + errors + [
            .tookTooLong, .wrongCredentials, .belowZero, .tooManyUnits, .contended, .userNotFound,
            .taken("username"), .tooManyAttempts(retryAfter: 1), .malformedRequest,
            .wrongMethod(allowed: [.get]),
        ]
    }

    @Test(
        "Every type of problem of the API has its page at the server, which says what it means and what to do"
    )
    func everyType() async throws {
        let kinds = Set(Self.all.compactMap(\.kind))
        #expect(kinds == Set(ProblemKind.allCases), "a kind that no problem has, or the other way round")
        #expect(Set(ProblemKind.explanations.keys) == Set(ProblemKind.allCases))
        try await withLab { lab async throws in
            for problem in Self.all where problem.kind != nil {
                let page = try await lab.client.send(.get, problem.type)
                #expect(page.status == 200, "\(problem.type)")
                #expect(page.headers[.contentType] == "text/html; charset=utf-8")
                let explanation = try #require(problem.kind?.explanation)
                for text in [problem.title, explanation.meaning, "What to do: \(explanation.remedy)"] {
                    #expect(page.text.contains(">\(text)<"), "\(problem.type): \(page.text)")
                }
                #expect(explanation.meaning.count > 20 && explanation.remedy.hasSuffix("."))
            }
            #expect(try await lab.client.send(.get, "/problems/unheard-of").status == 404)
            #expect(try await lab.client.send(.post, "/problems/sold-out").status == 405)
        }
    }

    @Test(
        "A problem without a kind is about:blank: its title is that of its status, and every 503 has a kind")
    func withoutKind() {
        for problem in Self.all where problem.kind == nil {
            #expect(problem.type == "about:blank" && problem.title == problem.status.reasonPhrase)
            #expect(problem.status.code < 500)
        }
        #expect(Problem(status: .notFound).title == "Not Found")
    }

    @Test("The type in an answer of the server leads to its explanation")
    func followed() async throws {
        try await withLab { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            let refusal = try await client.buy(product, 2)
            let type = try #require(refusal.body["type"] as? String)
            #expect(type == "/problems/sold-out")
            #expect(try await lab.client.send(.get, type).text.contains("Nothing was bought."))
        }
    }

    @Test("GET and HEAD of / lead to /docs; another method is 405")
    func home() async throws {
        try await withLab { lab async throws in
            for method in [HTTPRequest.Method.get, .head] {
                let answer = try await lab.client.send(method, "/")
                #expect(answer.status == 302)
                #expect(answer.headers[.location] == "/docs")
                #expect(answer.text.isEmpty)
            }
            #expect(try await lab.client.send(.get, "/docs").status == 200)
            let wrong = try await lab.client.send(.post, "/")
            #expect(wrong.status == 405)
            #expect(wrong.headers[.allow] == "GET, HEAD")
        }
    }
}
