import Foundation
import HTTPTypes
import LabTesting
import Testing

@testable import LabServerKit

/// Clients of other times: ApacheBench and some load balancers speak HTTP/1.0, health checks ask with HEAD.
@Suite("A connection")
struct PersistenceTests {
    private func answers(_ port: Int, _ requests: String...) async throws -> String {
        try await RawClient.exchange(port, requests)
    }

    @Test("of HTTP/1.0 is closed after the answer, which says so")
    func oldClient() async throws {
        try await withLab { lab async throws in
            let answer = try await answers(lab.client.port, "GET /health/live HTTP/1.0\r\nHost: x\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            #expect(answer.contains("Connection: close\r\n"), "\(answer)")
        }
    }

    @Test("of HTTP/1.0 stays open for a client that asks for it, and the answer says so")
    func oldClientThatStays() async throws {
        try await withLab { lab async throws in
            let stays = "GET /health/live HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n"
            let last = "GET /health/startup HTTP/1.0\r\nHost: x\r\n\r\n"
            let both = try await answers(lab.client.port, stays, stays + last)
            #expect(both.components(separatedBy: "HTTP/1.1 200 ").count == 4, "\(both)")
            #expect(both.components(separatedBy: "Connection: keep-alive\r\n").count == 3, "\(both)")
            #expect(both.components(separatedBy: "Connection: close\r\n").count == 2, "\(both)")
        }
    }

    @Test(
        "of HTTP/1.1 is closed when the client says close, however it writes that",
        arguments: ["close", "Close", "keep-alive, CLOSE", "TE, close"])
    func close(words: String) async throws {
        try await withLab { lab async throws in
            let request = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: \(words)\r\n\r\n"
            let answer = try await answers(lab.client.port, request)
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            #expect(answer.contains("Connection: close\r\n"), "\(answer)")
        }
    }

    @Test("answers HEAD as GET, without the body: the next answer follows at once")
    func head() async throws {
        try await withLab { lab async throws in
            for path in [
                "/health/live", "/openapi.json", "/api/products", "/api/products/999999", "/nowhere",
            ] {
                func request(_ method: String, _ words: String) -> String {
                    "\(method) \(path) HTTP/1.1\r\nHost: x\r\n\(words)\r\n"
                }
                let get = try await answers(lab.client.port, request("GET", "Connection: close\r\n"))
                let two = try await answers(
                    lab.client.port, request("HEAD", "") + request("HEAD", "Connection: close\r\n"))
                let heads = two.components(separatedBy: "\r\n\r\n")
                #expect(heads.count == 3 && heads[2].isEmpty, "\(path): \(two)")
                let (status, length) = (get.prefix(12), "Content-Length: ")
                let body = try #require(get.range(of: "\r\n\r\n")).upperBound
                for head in heads.dropLast() {
                    #expect(head.hasPrefix(status), "\(path): \(head)")
                    #expect(head.contains(length + "\(get[body...].utf8.count)"), "\(path): \(head)")
                }
            }
        }
    }

    @Test("answers HEAD where there is no GET with 405, without a body too")
    func headOfPost() async throws {
        try await withLab { lab async throws in
            let answer = try await answers(
                lab.client.port, "HEAD /api/auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 405 "), "\(answer)")
            #expect(answer.hasSuffix("\r\n\r\n"), "\(answer)")
        }
    }
}
