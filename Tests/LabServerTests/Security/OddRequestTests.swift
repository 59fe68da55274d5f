import HTTPTypes
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// A small fuzzer, made of the same table as the document; the large one is `./lab check --api`.
@Suite("Odd requests", .sharedLab)
struct OddRequestTests {
    private let lab: Lab

    init() throws { lab = try SharedLab.lab }

    /// Chance that is the same in every run.
    private struct Dice {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % sides
        }

        mutating func pick<Item>(_ items: [Item]) -> Item { items[roll(items.count)] }
    }

    /// JSON texts of values that break servers.
    private static let values = [
        "null", "true", "0", "-1", "1", "2147483648", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "1e308", "1e-400", "-0", "0.1", "\"\"", "\" \"", "\"0\"", "\"null\"", "[]",
        "{}",
        "[1]", #"{"a":1}"#, #""\u0000""#, #""\uFEFF""#, #""\u202E\u0041""#, "\"\u{1F600}\u{200D}\u{1F525}\"",
        "\"'; DROP TABLE users;--\"", "\"../../etc/passwd\"", "\"%00%0d%0a\"", "\"{{7*7}}\"", "\"a@b\"",
        "\"admin\"", "\"2026-02-30T00:00:00Z\"", "\"\(String(repeating: "é", count: 300))\"",
        "\"\(String(repeating: "x", count: 20_000))\"",
    ]

    private static let texts = [
        "", "0", "-1", "1", "99", "1.5", "1e3", "9223372036854775808", "null", "%00", "%FF", "%", "%zz",
        "a%20b",
        "'",
        "%27%20OR%201=1--", "..%2F..", "%7Bx%7D", "+", "%2B1", "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00%2B14:00",
        String(repeating: "9", count: 400),
    ]

    private func body(of route: RouteDeclaration, _ dice: inout Dice) -> String? {
        guard let declared = route.body, dice.roll(20) > 0 else { return dice.roll(2) == 0 ? nil : "x" }
        var members: [String] = []
        for field in declared.fields where dice.roll(8) > 0 {
            let value = dice.roll(3) == 0 ? field.example.json : dice.pick(Self.values)
            members.append("\"\(field.name)\":\(value)")
        }
        if dice.roll(12) == 0 { members.append("\"stranger\":\(dice.pick(Self.values))") }
        if dice.roll(15) == 0, let first = members.first { members.append(first) }
        return "{" + members.joined(separator: ",") + (dice.roll(25) == 0 ? "" : "}")
    }

    private func path(of route: RouteDeclaration, _ dice: inout Dice) -> String {
        // An empty segment would be another route.
        let id = dice.roll(2) == 0 ? "1" : dice.pick(Self.texts.filter { !$0.isEmpty })
        let path = route.path.replacing("{id}", with: id)
        let names = route.queryNames.sorted() + ["stranger"]
        let query = names.filter { _ in dice.roll(3) == 0 }.map { "\($0)=\(dice.pick(Self.texts))" }
        return query.isEmpty ? path : path + "?" + query.joined(separator: "&")
    }

    @Test(
        "S43 · odd requests to every route get answers that are documented, and none is a server's error",
        arguments: RouteTable.all.map(\.id))
    func oddRequests(id: OperationID) async throws {
        let route = RouteTable[id]
        let name = "odd-\(id.rawValue)"
        let check = try DocumentCheck()
        let client =
            route.access == .admin ? try await lab.administrator(name) : try await lab.client.signedIn(name)
        _ = try await client.product(units: 1000)
        var dice = Dice(seed: id.rawValue.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) })
        for _ in 0..<16 {
            var headers: HTTPFields = [:]
            if dice.roll(6) == 0 { headers[.contentType] = dice.pick(["text/plain", "application/xml"]) }
            if dice.roll(4) == 0 { headers[.idempotencyKey] = dice.pick(["k", "a b", "", "k1", "k2"]) }
            let path = path(of: route, &dice)
            let body = body(of: route, &dice)
            let caller = dice.roll(10) == 0 ? lab.client : client
            let answer = try await caller.send(route.method, path, body, headers: headers)
            let sentence = "\(route.method) \(path.prefix(120)) \((body ?? "").prefix(120)): \(answer.status)"
            #expect(answer.status < 500, "\(sentence) \(answer.text)")
            check.look(
                id, status: answer.status, type: answer.headers[.contentType], body: answer.text,
                headers: answer.headers)
            #expect(check.findings == [], "\(sentence)")
        }
        #expect((check.seen[id] ?? []).isEmpty == false)
        #expect(try await lab.client.send(.get, "/health/live").status == 200)
    }
}
