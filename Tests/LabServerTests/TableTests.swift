import HTTPTypes
import Hummingbird
import InventoryService
import LockStrategies
import Testing

@testable import LabServerKit

@Suite struct TableTests {
    @Test("Every outcome of a purchase has its status", arguments: PurchaseOutcome.Kind.allCases)
    func outcomes(kind: PurchaseOutcome.Kind) {
        let expected: (HTTPResponse.Status, String)? =
            switch kind {
            case .purchased, .repeated: nil
            case .soldOut: (.badRequest, "/problems/sold-out")
            case .oversellRefused: (.badRequest, "/problems/oversell-refused")
            case .limitReached: (.unprocessableContent, "/problems/user-limit")
            case .contended: (.conflict, "/problems/contended")
            case .productNotFound: (.notFound, "/problems/product-not-found")
            }
        let problem = ProblemTable.problem(for: kind)
        #expect(problem?.status == expected?.0)
        #expect(problem?.type == expected?.1)
        if kind == .contended { #expect(problem?.headers[.retryAfter] == "1") }
    }

    @Test(
        "Every error of the domain has its status, and none shows its cause",
        arguments: InventoryError.Code.allCases)
    func errors(code: InventoryError.Code) {
        let expected: HTTPResponse.Status =
            switch code {
            case .invalidField, .idempotencyMismatch: .unprocessableContent
            case .unknownUser, .invalidToken: .unauthorized
            case .ledgerUnavailable, .ledgerOverloaded, .ledgerFull, .recordUnknown, .redisUnavailable,
                .redisRefused, .outcomeUnknown, .stockUnknown, .stockReplaced, .reservationEnded, .leaseLost,
                .hashingOverloaded, .cancelled:
                .serviceUnavailable
            case .cryptoFailed, .databaseUnusable, .databaseLocked, .schemaTooNew, .unsafeConfiguration:
                .internalServerError
            }
        let cause = InventoryError(.cancelled, "SELECT secret FROM inside")
        let problem = ProblemTable.problem(for: InventoryError(code, "a sentence", underlying: cause))
        #expect(problem.status == expected)
        #expect(!problem.detail.contains("SELECT"))
        if expected == .serviceUnavailable { #expect(problem.headers[.retryAfter] == "1") }
        if expected == .unauthorized { #expect(problem.headers[.wwwAuthenticate] != nil) }
    }

    @Test("Server-Timing gives milliseconds to the microsecond, and counts")
    func serverTiming() {
        let timings = PurchaseTimings(
            evidence: Evidence(
                attempts: 3, waited: .microseconds(1_234_567), held: .microseconds(5), commandsSent: 8),
            redis: .milliseconds(20), sql: .nanoseconds(999))
        #expect(
            ServerTimingHeader.text(timings)
                == "wait;dur=1234.567, hold;dur=0.005, redis;dur=20.000, sql;dur=0.000, "
                + "attempts;desc=\"3\", commands;desc=\"8\"")
    }

    @Test("Texts are escaped as JSON asks")
    func escaping() {
        let body = JSONText.object { $0.field("t", "a\"b\\c\n\u{1}한🔒") }
        #expect(String(buffer: body) == #"{"t":"a\"b\\c\n\u0001한🔒"}"#)
    }

    @Test(
        "A strict body reads what JSON allows",
        arguments: [
            (#" { "a" : -0 , "b":"x" } "#, ["a": .integer(0), "b": .string("x")]),
            (#"{"a":"\u0041\ud83d\ude00\n\/"}"#, ["a": .string("A😀\n/")]),
            (#"{"a":true,"b":false,"c":null}"#, ["a": .boolean(true), "b": .boolean(false), "c": .null]),
            (#"{"a":1.5,"b":1E+2}"#, ["a": .otherNumber, "b": .otherNumber]), ("{}", [:]),
        ] as [(String, [String: FlatJSON.Value])])
    func goodBodies(text: String, values: [String: FlatJSON.Value]) throws {
        #expect(try FlatJSON(ByteBuffer(string: text)).values == values)
    }

    @Test(
        "A strict body refuses what JSON does not allow, and what is nested",
        arguments: [
            "", " ", "1", "null", "[]", "{", "}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{a:1}"#,
            #"{"a":01}"#,
            #"{"a":-}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":1e}"#, #"{"a":+1}"#, #"{"a":tru}"#,
            #"{"a":"\x"}"#,
            #"{"a":"\ud800"}"#, #"{"a":"\ud800\u0041"}"#, #"{"a":"\u12"}"#, "{\"a\":\"\u{1}\"}", #"{"a":"b}"#,
            #"{"a":1}{"#, #"{"a":1} x"#, #"{"a":{}}"#, #"{"a":[]}"#, #"{"a":1,"a":1}"#,
            String(repeating: #"{"a":"#, count: 10_000),
        ])
    func badBodies(text: String) {
        #expect(throws: Problem.self) { try FlatJSON(ByteBuffer(string: text)) }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: Problem.self) { try FlatJSON(ByteBuffer(bytes: [0x7B, 0xFF, 0x7D])) }
    }
}
