import Foundation
import HTTPTypes
import InMemoryTracing
import Testing
import Tracing

@testable import LabServerKit

/// The trace of a request, from its headers to answer, log and spans.
@Suite struct TraceTests {
    private static let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let trace = "0af7651916cd43dd8448eb211c80319c"

    /// The trace of an answer, which has to have one.
    private func trace(_ headers: HTTPFields) throws -> TraceContext {
        try #require(headers.trace, "\(headers[.traceparent] ?? "none")")
    }

    @Test("A request's trace goes on with a step of ours; without one, or with a wrong one, one begins")
    func headers() async throws {
        try await withLab { lab async throws in
            var steps: Set<UInt64> = []
            for _ in 0..<3 {
                let answer = try await lab.client.send(
                    .get, "/health/live", headers: [.traceparent: Self.caller, .tracestate: "a=1, b@c=2"])
                let ours = try trace(answer.headers)
                #expect(ours.traceIDText == Self.trace && ours.isSampled)
                #expect(ours.spanIDText != "b7ad6b7169203331")
                #expect(answer.headers[.tracestate] == "a=1, b@c=2")
                steps.insert(ours.spanID)
            }
            #expect(steps.count == 3)
            var begun: Set<TraceContext.TraceID> = []
            for wrong in ["", "x", Self.caller + "-00", Self.caller.uppercased()] {
                let answer = try await lab.client.send(
                    .get, "/health/live", headers: [.traceparent: wrong, .tracestate: "a=1"])
                let ours = try trace(answer.headers)
                #expect(ours.traceIDText != Self.trace && !ours.isSampled)
                #expect(answer.headers[.tracestate] == nil)
                begun.insert(ours.traceID)
            }
            var twice: HTTPFields = [.traceparent: Self.caller]
            twice.append(HTTPField(name: .traceparent, value: Self.caller))
            let answer = try await lab.client.send(.get, "/health/live", headers: twice)
            begun.insert(try trace(answer.headers).traceID)
            #expect(begun.count == 5)
        }
    }

    @Test(
        "Every refusal keeps trace and request id, also those before any route",
        arguments: [
            ("GET /nowhere HTTP/1.1\r\nHost: x\r\n", 404), ("PUT /health/live HTTP/1.1\r\nHost: x\r\n", 405),
            ("GET /api/auth/me HTTP/1.1\r\nHost: x\r\n", 401), ("GET /health/live HTTP/1.1\r\n", 400),
            ("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: tea\r\n", 417),
            ("POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n", 413),
        ])
    func refusals(request: String, status: Int) async throws {
        try await withLab { lab async throws in
            let text = try await RawClient.exchange(
                lab.client.port,
                [
                    request + "traceparent: \(Self.caller)\r\nX-Request-ID: the-refused\r\n"
                        + "Connection: close\r\n\r\n"
                ])
            #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(text)")
            #expect(text.contains("\r\ntraceparent: 00-\(Self.trace)-"), "\(text)")
            #expect(text.contains(#""request_id":"the-refused""#), "\(text)")
        }
    }

    @Test("What is no request at all begins a trace of its own")
    func garbage() async throws {
        try await withLab { lab async throws in
            let text = try await RawClient.exchange(
                lab.client.port, ["GET /a b HTTP/1.1\r\ntraceparent: \(Self.caller)\r\n\r\n"])
            #expect(text.hasPrefix("HTTP/1.1 400 "))
            #expect(text.contains("\r\ntraceparent: 00-"), "\(text)")
        }
    }

    @Test("A tracer that was given gets a span of each request and each purchase; without one there is none")
    func spans() async throws {
        let tracer = WritingTracer()
        try await withTracer(tracer) {
            try await withLab { lab async throws in
                let client = try await lab.client.signedIn()
                let product = try await client.product(units: 1)
                tracer.memory.clearFinishedSpans()
                let bought = try await client.buy(product, headers: [.requestID: "the-purchase"])
                #expect(bought.status == 200)
                // The tracer names the trace, so all that a client and a log see is the tracer's.
                #expect(bought.headers[.traceparent] == WritingTracer.traceparent)
                _ = try await client.send(.get, "/nowhere")
                let spans = tracer.memory.finishedSpans
                let purchase = try #require(spans.first { $0.operationName == "purchase" })
                let request = try #require(spans.first { $0.operationName == "POST /api/purchases" })
                #expect(purchase.parentSpanID == request.spanID && purchase.traceID == request.traceID)
                #expect(request.kind == .server)
                #expect(request.attributes.get("http.route") == .string("/api/purchases"))
                #expect(request.attributes.get("http.response.status_code") == .int64(200))
                #expect(request.attributes.get("lab.request_id") == .string("the-purchase"))
                #expect(purchase.attributes.get("lab.outcome") == .string("purchased"))
                #expect(purchase.attributes.get("lab.strategy") == .string("lua-atomic"))
                // A route that is none has no name that a client could choose.
                #expect(spans.last?.operationName == "GET", "\(spans.map(\.operationName))")
                #expect(tracer.memory.activeSpans.isEmpty)
            }
        }
        let before = tracer.memory.finishedSpans.count
        try await withLab { lab async throws in
            #expect(try await lab.client.send(.get, "/health/live").status == 200)
        }
        #expect(tracer.memory.finishedSpans.count == before)
    }

    /// Keeps spans in memory and writes a traceparent, as a tracer of an operator does.
    private struct WritingTracer: Tracer {
        static let traceparent = "00-11111111111111111111111111111111-2222222222222222-01"

        let memory = InMemoryTracer()

        func startSpan<Instant: TracerInstant>(
            _ operationName: String, context: @autoclosure () -> InstrumentationContext,
            ofKind kind: SpanKind, at instant: @autoclosure () -> Instant, function: String, file: String,
            line: UInt
        ) -> InMemorySpan {
            memory.startSpan(
                operationName, context: context(), ofKind: kind, at: instant(), function: function,
                file: file,
                line: line)
        }

        func forceFlush() { memory.forceFlush() }

        func extract<Carrier, Extract: Extractor>(
            _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
        ) where Extract.Carrier == Carrier {
            memory.extract(carrier, into: &context, using: extractor)
        }

        func inject<Carrier, Inject: Injector>(
            _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
        ) where Inject.Carrier == Carrier {
            injector.inject(Self.traceparent, forKey: "traceparent", into: &carrier)
        }
    }
}
