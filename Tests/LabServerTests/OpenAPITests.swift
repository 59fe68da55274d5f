import Foundation
import HTTPTypes
import Hummingbird
import InventoryService
import LabTesting
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// The document, the table of routes and what the server really answers are one.
@Suite struct OpenAPITests {
    @Test("S42 · each route that the server knows is in the document, and back")
    func everyRoute() async throws {
        try await withLab { lab async throws in
            let document = try await lab.client.send(.get, "/openapi.json")
            #expect(document.status == 200)
            #expect(document.body["openapi"] as? String == "3.1.0")
            let paths = try #require(document.body["paths"] as? [String: [String: Any]])
            let documented = Set(paths.flatMap { path, methods in methods.keys.map { "\($0) \(path)" } })
            #expect(documented == Set(lab.routes))
            #expect(Set(RouteTable.all.map(\.id)) == Set(OperationID.allCases))
        }
    }

    @Test("Every answer of a long session is in the document, with its fields, and every field is answered")
    func answersFit() async throws {
        try await withLab { lab async throws in
            let check = try DocumentCheck(try await lab.client.send(.get, "/openapi.json").text)
            let session = Session(lab: lab, check: check)
            try await session.run()
            // What only a slow client or a broken server meets has tests of its own: S02, HostileClientTests,
            // S36.
            let elsewhere: Set = [408, 500]
            for route in RouteTable.all {
                let documented = Set((route.answers.map(\.status) + route.refusals.map(\.status)).map(\.code))
                let missing = documented.subtracting(check.seen[route.id] ?? []).subtracting(elsewhere)
                // No lock is fought over here, and no strategy fails.
                let allowed: Set = route.id == .purchase ? [409] : []
                #expect(missing.subtracting(allowed).isEmpty, "\(route.id) never answered \(missing)")
            }
            #expect(check.findings == [])
        }
    }

    @Test("A document that lacks a field, a status or a route is noticed")
    func checkIsAlive() async throws {
        let document = DocumentCheck.text
        let body = #"{"id":1,"username":"a","email":null,"created_at":"2026-01-31T09:30:00.000000Z"}"#
        func findings(_ text: String, _ status: Int, _ body: String) throws -> [String] {
            let check = try DocumentCheck(text)
            check.look(.me, status: status, type: "application/json", body: body, headers: [:])
            return check.findings
        }
        #expect(try findings(document, 200, body) == [])
        #expect(try !findings(document, 418, body).isEmpty)
        #expect(try !findings(document, 200, body.replacing("username", with: "name")).isEmpty)
        #expect(try !findings(document, 200, body.replacing("1,", with: #""1","#)).isEmpty)
        #expect(try !findings(document.replacing("/api/auth/me", with: "/api/me"), 200, body).isEmpty)
    }

    @Test("Every parameter, request and answer has an example, and every example fits its schema")
    func examples() throws {
        let check = try DocumentCheck()
        let count = check.lookAtExamples()
        #expect(check.findings == [])
        let expected = RouteTable.all.reduce(0) { sum, route in
            sum + route.parameters.count + (route.body == nil ? 0 : 1) + route.refusals.count
                + route.answers.count {
                    switch $0.content {
                    case .object, .list: true
                    case .nothing, .page: false
                    }
                }
        }
        #expect(count == expected)
        let broken = try DocumentCheck(
            DocumentCheck.text.replacing(#""status":404"#, with: #""status":"404""#))
        _ = broken.lookAtExamples()
        #expect(!broken.findings.isEmpty)
    }

    @Test("What the document says of a field's limits, the server holds to", arguments: limitCases.indices)
    func limits(index: Int) async throws {
        let (id, field, good, bad) = Self.limitCases[index]
        try await withLab { lab async throws in
            let admin = try await lab.administrator()
            _ = try await admin.product(units: 5)
            let route = RouteTable[id]
            let path = route.path.replacing("{id}", with: "1")
            func send(_ value: JSONTree) async throws -> Int {
                guard case .object(let members) = route.body?.example else { return -1 }
                let changed = members.map { $0.name == field ? .init(name: field, value: value) : $0 }
                return try await admin.send(route.method, path, JSONTree.object(changed).json).status
            }
            // The good come last: a change of the role ends the token.
            for value in bad { #expect(try await send(value) == 422, "\(value)") }
            for value in good { #expect(try await send(value) < 300, "\(value)") }
        }
    }

    private static func letters(_ count: Int) -> JSONTree { .text(String(repeating: "é", count: count)) }

    static let limitCases: [(OperationID, String, good: [JSONTree], bad: [JSONTree])] = [
        (.register, "username", [letters(50)], [letters(0), letters(51), 1, nil]),
        (.register, "password", [.text("abcdefgh1x")], [letters(7), letters(1025), 1, nil]),
        (.createProduct, "name", [letters(1), letters(100)], [letters(0), letters(101), 1, nil]),
        (.createProduct, "price", [0, 1_000_000_000], [-1, 1_000_000_001, "1", nil, true]),
        (.createProduct, "initial_stock", [0, 1_000_000_000], [-1, 1_000_000_001, "1", nil, true]),
        (.createProduct, "description", [letters(0), letters(10_000), nil], [letters(10_001), 1]),
        (.changeProduct, "name", [letters(1), letters(100)], [letters(0), letters(101), 1, nil]),
        (.changeProduct, "price", [0, 1_000_000_000], [-1, 1_000_000_001, "1", nil]),
        (.purchase, "quantity", [1], [0, -1, 1_000_000_001, "1", nil]),
        (.purchase, "product_id", [1], [0, -1, "1", nil]),
        (.adjustStock, "delta", [1, -1], [1_000_000_001, -1_000_000_001, 0, "1", nil]),
        (.adjustStock, "reason", [letters(1), letters(200)], [letters(0), letters(201), 1, nil]),
        (.changeUser, "role", ["user"], ["root", 1, nil]),
        (.setLogLevel, "level", ["trace", "critical"], ["loud", "", 1, nil]),
        (.setLogLevel, "duration_s", [1, 86_400], [0, 86_401, "1", nil]),
    ]
}
