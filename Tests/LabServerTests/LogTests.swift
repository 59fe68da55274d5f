import Foundation
import HTTPTypes
import InventoryService
import LockStrategies
import Logging
import Synchronization
import Testing

@testable import LabServerKit

/// What the server writes down, and what it does not.
@Suite struct LogTests {
    @Test(
        "S41 · a log line is one JSON object, whatever stands in it, and tells of each purchase without its token"
    )
    func logs() async throws {
        let lines = Lines()
        var logger = Logger(label: "test") { LineLogHandler(label: $0, format: .json) { lines.add($0) } }
        logger.logLevel = .trace
        logger.notice("a\nb\r\"\\", metadata: ["message": "x\u{1}\n{\"level\":\"critical\"}", "event": "e"])
        try await withLab(logger: logger) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 1)
            _ = try await client.buy(product, headers: [.requestID: "the-request"])
            _ = try await lab.client.send(
                .post, "/api/auth/login", #"{"username":"ann","password":"wrong-password"}"#)
            let token = try #require(client.token)
            for line in lines.all {
                #expect(line.hasSuffix("\n") && line.filter(\.isNewline).count == 1)
                #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
                for secret in [token, "lab-test-12", "wrong-password"] { #expect(!line.contains(secret)) }
            }
            func events(_ name: String) throws -> [[String: Any]] {
                try lines.all.compactMap { line in
                    let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    return json?["event"] as? String == name ? json : nil
                }
            }
            let purchase = try #require(try events("purchase").first)
            #expect(purchase["request_id"] as? String == "the-request")
            #expect(purchase["outcome"] as? String == "purchased")
            #expect(purchase["lock_wait"] is String)
            #expect(try events("sign_in_refused").count == 1)
            #expect(try events("signed_in").count == 1)
            #expect(try events("user_registered").count == 1)
            let first = try JSONSerialization.jsonObject(with: Data(lines.all[0].utf8)) as? [String: Any]
            #expect(first?["message"] as? String == "a\nb\r\"\\")
            #expect(first?["level"] as? String == "notice")
        }
    }

    @Test("S41 · what an operator has to see at the usual level: sign-ins, refusals, changes, limits")
    func securityEvents() async throws {
        let lines = Lines()
        var logger = Logger(label: "test") { LineLogHandler(label: $0, format: .json) { lines.add($0) } }
        logger.logLevel = .notice
        @Sendable func events() throws -> [String: Int] {
            try lines.all.reduce(into: [:]) { counts, line in
                let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                if let event = json?["event"] as? String { counts[event, default: 0] += 1 }
            }
        }
        try await withLab(limits: .init(requestsPerMinute: 1000, guessesPerMinute: 2), logger: logger) {
            lab async throws in
            let ann = try await lab.client.signedIn("ann")
            let admin = try await lab.administrator()
            let product = try await admin.product(units: 5)
            _ = try await lab.client.send(.get, "/api/auth/me", headers: [.authorization: "Bearer a.b.c"])
            _ = try await ann.send(.post, "/api/admin/reconcile")
            _ = try await admin.send(
                .post, "/api/admin/products/\(product)/stock", #"{"delta":1,"reason":"r"}"#)
            for _ in 0..<3 {
                _ = try await lab.client.send(
                    .post, "/api/auth/login",
                    "{\"username\":\"bo\\r\\nb\",\"password\":\"a guess that is wrong\"}")
            }
            let wrong = #"{"password":"not this one","new_password":"lab-test-34"}"#
            _ = try await ann.send(.post, "/api/auth/password", wrong)
            _ = try await ann.send(
                .post, "/api/auth/password", wrong.replacing("not this one", with: "lab-test-12"))
            _ = try await admin.send(.post, "/api/auth/logout")
            let counts = try events()
            #expect(counts["signed_in"] == 2)
            #expect(counts["user_registered"] == 1)
            #expect(counts["token_refused"] == 1)
            #expect(counts["authorization_refused"] == 1)
            #expect(counts["admin_action"] == 1)
            #expect(counts["sign_in_refused"] == 2)
            #expect(counts["limit_reached"] == 1)
            #expect(counts["password_change_refused"] == 1)
            #expect(counts["password_changed"] == 1)
            #expect(counts["signed_out"] == 1)
            let events = lines.all.filter { $0.contains("\"event\":") }
            #expect(events.allSatisfy { $0.contains("\"request_id\":\"") })
            let all = lines.all.joined()
            for secret in [
                ann.token, admin.token, "lab-test", "a guess that is wrong", "not this one", "a.b.c",
            ] {
                #expect(!all.contains(try #require(secret)), "\(secret ?? "")")
            }
            #expect(lines.all.allSatisfy { $0.filter(\.isNewline).count == 1 })
        }
    }

    @Test("S41 · a line of text stays one line, and no text from outside moves the cursor")
    func textLines() {
        let lines = Lines()
        var logger = Logger(label: "lab") { LineLogHandler(label: $0, format: .text) { lines.add($0) } }
        logger.logLevel = .info
        logger.info("a\nb\r\u{1b}[2Jc", metadata: ["name": "x\u{85}y\u{2028}z\t한글"])
        logger.debug("not at this level")
        #expect(lines.all.count == 1)
        let line = lines.all[0]
        #expect(
            line.hasSuffix("\n")
                && line.unicodeScalars.dropLast().allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        #expect(line.contains(#"info lab: a\nb\r\u{1b}[2Jc name=x\u{85}y\u{2028}z\t한글"#), "\(line)")
    }

    @Test("A lock that was lost is a warning at any time; waits and holds are there for who wants them")
    func lockEvents() async throws {
        let lines = Lines()
        var logger = Logger(label: "test") { LineLogHandler(label: $0, format: .json) { lines.add($0) } }
        logger.logLevel = .debug
        try await withLab(.setnxSpin, logger: logger) { lab async throws in
            let client = try await lab.client.signedIn()
            let product = try await client.product(units: 5)
            #expect(try await client.buy(product, headers: [.requestID: "one-purchase"]).status == 200)
            let own = lines.all.filter { $0.contains("one-purchase") }
            for event in ["lock_waited", "lock_acquired", "lock_released", "purchase"] {
                #expect(own.contains { $0.contains("\"event\":\"\(event)\"") }, "\(event)")
            }
            #expect(!own.contains { $0.contains("lock_lost") })
        }
    }

    private final class Lines: Sendable {
        private let state = Mutex<[String]>([])
        var all: [String] { state.withLock { $0 } }
        func add(_ line: String) { state.withLock { $0.append(line) } }
    }
}
