import Foundation
import HTTPTypes
import Hummingbird
import Testing

@testable import LabServerKit

/// How errors look, whatever is wrong.
@Suite("The form of errors", .sharedLab)
struct ErrorFormTests {
    private let lab: Lab

    init() throws { lab = try SharedLab.lab }

    /// What would tell of the inside: file names, types, statements, paths.
    private static let inside = [
        ".swift", "Swift", "Error(", "Optional(", "NIO", "Hummingbird", "GRDB", "SQLite", "sqlite", "SELECT",
        "INSERT",
        "UPDATE", "UNIQUE", "/tmp", "/work", "/root", "/usr", "redis.sock", "EVALSHA", "Fatal", "stack",
    ]

    private struct Raw {
        let status: Int
        let headers: String
        let body: String

        /// - Parameter text: All that came over the connection.
        init(_ text: String) {
            let parts = text.components(separatedBy: "\r\n\r\n")
            status = Int(text.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0
            headers = parts[0].lowercased()
            body = parts.dropFirst().joined(separator: "\r\n\r\n")
        }
    }

    private func expectProblem(_ text: String, _ status: Int, field: String? = nil, _ name: String) {
        let answer = Raw(text)
        #expect(answer.status == status, "\(name): \(text.prefix(300))")
        #expect(answer.headers.contains("content-type: application/problem+json"), "\(name)")
        let json = try? JSONSerialization.jsonObject(with: Data(answer.body.utf8))
        guard let problem = json as? [String: Any] else {
            Issue.record("\(name): \(answer.body) is no JSON object")
            return
        }
        #expect(problem["status"] as? Int == status, "\(name)")
        for member in ["type", "title", "detail", "request_id"] {
            #expect((problem[member] as? String)?.isEmpty == false, "\(name) lacks \(member)")
        }
        if let field { #expect(problem["field"] as? String == field, "\(name)") }
        #expect(
            Set(problem.keys).isSubset(of: ["type", "title", "status", "detail", "field", "request_id"]),
            "\(name)")
        for word in Self.inside {
            #expect(!answer.body.contains(word), "\(name) tells of the inside: \(answer.body)")
        }
    }

    private func order(_ body: ByteBuffer, token: String?) async throws -> String {
        var request = ByteBuffer(
            string: "POST /api/purchases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + "Content-Type: application/json\r\nContent-Length: \(body.readableBytes)\r\n")
        if let token { request.writeString("Authorization: Bearer \(token)\r\n") }
        request.writeString("\r\n")
        request.writeImmutableBuffer(body)
        return try await RawClient.exchange(lab.client.port, bytes: [request])
    }

    @Test("S36 · a body that is no JSON, too deep, double, or no UTF-8 is a problem that names what is wrong")
    func bodies() async throws {
        let token = try #require(try await lab.client.signedIn("former").token)
        let good = #"{"product_id":1,"quantity":1}"#
        var cases: [(name: String, body: ByteBuffer, field: String)] = [
            ("nothing", ByteBuffer(), "body"),
            ("cut off", ByteBuffer(string: String(good.dropLast())), "body"),
            ("more behind it", ByteBuffer(string: good + good), "body"),
            ("a comment", ByteBuffer(string: "/* x */" + good), "body"),
            ("single quotes", ByteBuffer(string: "{'product_id':1,'quantity':1}"), "body"),
            ("NaN", ByteBuffer(string: #"{"product_id":NaN,"quantity":1}"#), "body"),
            (
                "XML",
                ByteBuffer(string: "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///\">]>"),
                "body"
            ),
            ("a byte order mark", ByteBuffer(string: "\u{FEFF}" + good), "body"),
            (
                "a name twice", ByteBuffer(string: #"{"product_id":1,"product_id":2,"quantity":1}"#),
                "product_id"
            ),
            (
                "a name twice, once escaped",
                ByteBuffer(string: #"{"product_id":1,"\u0070roduct_id":2,"quantity":1}"#), "product_id"
            ),
            ("half a surrogate pair", ByteBuffer(string: #"{"product_id":1,"quantity":"\ud800"}"#), "body"),
        ]
        for (name, open) in [("lists", "["), ("objects", #"{"a":"#)] {
            let deep = String(repeating: open, count: 10_000)
            let field = open == "[" ? "body" : "a"
            cases.append(("10,000 \(name) in each other", ByteBuffer(string: deep), field))
            cases.append(
                ("the same as a field", ByteBuffer(string: #"{"product_id":"# + deep), "product_id"))
        }
        for bytes: [UInt8] in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
            var body = ByteBuffer(string: #"{"product_id":1,"quantity":""#)
            body.writeBytes(bytes)
            body.writeString("\"}")
            cases.append(("bytes \(bytes) that are no UTF-8", body, "body"))
        }
        for item in cases {
            expectProblem(try await order(item.body, token: token), 422, field: item.field, item.name)
        }
    }

    @Test("S36 · every other kind of error is the same kind of document, and tells nothing of the inside")
    func kinds() async throws {
        let port = lab.client.port
        let user = try await lab.client.signedIn("kinds")
        let token = try #require(user.token)
        let product = try await user.product(units: 1)
        let order = ByteBuffer(string: #"{"product_id":\#(product),"quantity":2}"#)
        expectProblem(try await self.order(order, token: token), 400, "sold out")
        expectProblem(try await self.order(order, token: nil), 401, "no token")
        expectProblem(try await self.order(order, token: "a.b.c"), 401, "no good token")
        let login = "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        let json = "Content-Type: application/json\r\n"
        for (name, status, request) in [
            ("no request", 400, "HELO mail.example\r\n\r\n"),
            ("no Host", 400, "GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n"),
            (
                "wrong password", 401,
                login + json + "Content-Length: 31\r\n\r\n{\"username\":\"x\",\"password\":\"y\"}"
            ),
            (
                "not an administrator", 403,
                "GET /api/admin/users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(token)\r\n\r\n"
            ),
            (
                "no such address", 404,
                "GET /api/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            ),
            ("no such method", 405, "DELETE /api/purchases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            ("too long", 413, login + json + "Content-Length: 9999999\r\n\r\n"),
            ("no type", 415, login + "Content-Length: 2\r\n\r\n{}"),
            ("no such expectation", 417, login + json + "Expect: coffee\r\nContent-Length: 2\r\n\r\n"),
            ("no such field", 422, login + json + "Content-Length: 7\r\n\r\n{\"a\":1}"),
            (
                "no such parameter", 422,
                "GET /api/products?sort=id HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(token)\r\n\r\n"
            ),
            (
                "headers too long", 431,
                "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 40_000))\r\n\r\n"
            ),
        ] {
            let answer = try await RawClient.exchange(port, [request])
            expectProblem(answer.replacing("HTTP/1.1 100 Continue\r\n\r\n", with: ""), status, name)
        }
        let taken = #"{"username":"kinds","password":"lab-test-12"}"#
        let conflict = try await RawClient.exchange(
            port,
            [
                "POST /api/auth/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + json
                    + "Content-Length: \(taken.utf8.count)\r\n\r\n\(taken)"
            ])
        expectProblem(conflict, 409, field: "username", "a name that is taken")
    }
}
