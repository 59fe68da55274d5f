import HTTPTypes
import Logging

/// Under what a request is found again: in our log, and in the trace of whoever called us.
struct RequestMark: Sendable {
    /// Marks the request that this task works for; nil when the task works for no request. Tasks that a
    /// request starts inherit it.
    @TaskLocal static var current: RequestMark?

    let requestID: String
    /// With our own step of the trace.
    var trace: TraceContext

    /// On every line of the log that belongs to the request.
    var metadata: Logger.Metadata {
        [
            "request_id": .string(requestID), "trace_id": .string(trace.traceIDText),
            "span_id": .string(trace.spanIDText),
        ]
    }
}

extension HTTPFields {
    /// On every answer, a refusal before any route included.
    mutating func set(_ mark: RequestMark) {
        self[.requestID] = mark.requestID
        set(mark.trace)
    }

    private mutating func set(_ trace: TraceContext) {
        self[Self.traceparent] = trace.traceparent
        if let state = trace.state { self[Self.tracestate] = state }
    }

    // As the recommendation sends them, in small letters.
    private static let traceparent = HTTPField.Name("traceparent")!
    private static let tracestate = HTTPField.Name("tracestate")!

    /// The trace that these headers name; nil for none, or one that breaks the rules.
    var trace: TraceContext? {
        self[.traceparent].flatMap { TraceContext(traceparent: $0, state: self[.tracestate]) }
    }
}
