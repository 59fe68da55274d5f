import Testing

@testable import LabServerKit

/// The rules of the W3C Recommendation "Trace Context", on texts.
@Suite struct TraceContextTests {
    private static let id = "0af7651916cd43dd8448eb211c80319c"
    private static let step = "b7ad6b7169203331"
    private static let valid = "00-\(id)-\(step)-01"

    @Test("A traceparent of version 00 is read, and written again as it was")
    func version00() throws {
        let trace = try #require(TraceContext(traceparent: Self.valid))
        #expect(trace.traceIDText == Self.id && trace.spanIDText == Self.step && trace.isSampled)
        #expect(trace.traceparent == Self.valid)
        let unsampled = try #require(TraceContext(traceparent: "00-\(Self.id)-\(Self.step)-00"))
        #expect(!unsampled.isSampled && unsampled.traceparent.hasSuffix("-00"))
        let leading = "00-0000000000000000000000000000000a-000000000000000b-01"
        #expect(TraceContext(traceparent: leading)?.traceparent == leading)
    }

    @Test(
        "Flags that are not known yet are not handed on; a later version is read as far as it is known",
        arguments: [
            ("00-\(id)-\(step)-ff", "01"), ("00-\(id)-\(step)-02", "00"), ("01-\(id)-\(step)-01", "01"),
            ("cc-\(id)-\(step)-01-what-comes", "01"), ("fe-\(id)-\(step)-08-", "00"),
        ])
    func unknownParts(header: String, flags: String) {
        #expect(TraceContext(traceparent: header)?.traceparent == "00-\(Self.id)-\(Self.step)-\(flags)")
    }

    @Test(
        "What breaks a rule is no trace",
        arguments: [
            "", "00", "-", valid + "-", valid + "-00", valid + " ", " " + valid, valid + ", " + valid,
            "00-\(id)-\(step)", "00-\(id)-\(step)-1", "00-\(id)-\(step)-0x", "00-\(id)-\(step)-001",
            "ff-\(id)-\(step)-01", "0-\(id)-\(step)-01", "0g-\(id)-\(step)-01", "0A-\(id)-\(step)-01",
            "00-\(id.uppercased())-\(step)-01", "00-\(id)-\(step.uppercased())-01",
            "00-\(id)-\(step)-0A", "00-\(String(repeating: "0", count: 32))-\(step)-01",
            "00-\(id)-0000000000000000-01", "00-\(id.dropLast())-\(step)-01", "00-\(id)0-\(step)-01",
            "00-\(id)-\(step)0-01", "00_\(id)-\(step)-01", "00-\(id)_\(step)-01", "00-\(id)-\(step)_01",
            "00-\(id.dropLast())é-\(step.dropLast())-01", "01-\(id)-\(step)-01.what-comes",
            "01-\(id)-\(step)-011", "00-\(id.dropLast())\n-\(step)-01",
            "01-\(id)-\(step)-01-" + String(repeating: "a", count: 500),
        ])
    func invalid(header: String) {
        #expect(TraceContext(traceparent: header) == nil)
    }

    @Test(
        "A tracestate that holds to the rules is handed on as it came",
        arguments: [
            "rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1 , b=2", "a=1,,b=2",
            "a=1,\tb=2", "fw529a3039@dt=FfAzGhWpR", "0tenant@system=x",
            "a_-*/9=!\"#$%&'()*+-./:;<>?@[]^_`{|}~",
            String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 255),
            (1...32).map { "k\($0)=v" }.joined(separator: ","),
        ])
    func state(header: String) {
        #expect(TraceContext(traceparent: Self.valid, state: header)?.state == header)
        // Without a trace that it belongs to it is nothing.
        #expect(TraceContext(traceparent: Self.valid + "-", state: header) == nil)
    }

    @Test(
        "A tracestate that breaks a rule is dropped, and the trace goes on",
        arguments: [
            "", " ", ",", "a", "a=", "=1", "A=1", "1a=1", "a=1=2", "a=\u{7F}", "a=\u{1}", "a=é", "a b=1",
            "a=1,a=2", "@a=1", "a@=1", "a@b@c=1", "a@1b=1", "a=1,b", "a=b\nc",
            String(repeating: "k", count: 257) + "=v", "a=" + String(repeating: "v", count: 257),
            String(repeating: "t", count: 242) + "@a=1", "t@" + String(repeating: "s", count: 15) + "=1",
            (1...33).map { "k\($0)=v" }.joined(separator: ","),
            (1...2).map { "k\($0)=" + String(repeating: "v", count: 256) }.joined(separator: ","),
        ])
    func wrongState(header: String) {
        let trace = TraceContext(traceparent: Self.valid, state: header)
        #expect(trace?.traceparent == Self.valid)
        #expect(trace?.state == nil)
    }
}
