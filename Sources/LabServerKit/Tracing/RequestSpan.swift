import HTTPTypes
import Hummingbird
import Tracing

/// Spans for the tracer that was given to `InstrumentationSystem.bootstrap`, or holds for this task. Without
/// one, which is how the server comes, it costs one look at what was given.
enum RequestSpan {
    private static var tracing: (any Instrument)? {
        let instrument = InstrumentationSystem.instrument
        return instrument is NoOpInstrument ? nil : instrument
    }

    /// Answers a request within a span of its own.
    ///
    /// - Parameters:
    ///   - route: The route as the router writes it, known when the answer is.
    ///   - answer: Gets the mark of the request. A tracer that writes `traceparent` says which step of which
    ///     trace this is, so that log, answer and spans name the same one.
    static func server(
        _ request: Request, _ mark: RequestMark, route: @autoclosure () -> String?,
        _ answer: (RequestMark) async throws -> Response
    ) async rethrows -> Response {
        guard let tracing else { return try await answer(mark) }
        return try await traced(by: tracing, request, mark, route: route, answer)
    }

    private static func traced(
        by tracing: any Instrument, _ request: Request, _ mark: RequestMark, route: () -> String?,
        _ answer: (RequestMark) async throws -> Response
    ) async rethrows -> Response {
        var caller = InstrumentationContext.topLevel
        tracing.extract(request.headers, into: &caller, using: FieldCarrier())
        let span = startSpan(request.method.rawValue, context: caller, ofKind: .server)
        defer { span.end() }
        var carried = HTTPFields()
        tracing.inject(span.context, into: &carried, using: FieldCarrier())
        var mark = mark
        if let trace = carried.trace { mark.trace = trace }
        let response = try await InstrumentationContext.$current.withValue(span.context) {
            try await answer(mark)
        }
        let path = route()
        // A path of no route is the client's word, and would be a name of its own for each.
        let route = RouteTable.all.first { $0.routerPath == path }?.path
        if let route { span.operationName = "\(request.method.rawValue) \(route)" }
        span.updateAttributes { attributes in
            attributes["http.request.method"] = request.method.rawValue
            attributes["http.route"] = route
            attributes["http.response.status_code"] = response.status.code
            attributes["lab.request_id"] = mark.requestID
        }
        if response.status.kind == .serverError { span.setStatus(SpanStatus(code: .error)) }
        return response
    }

    /// Does a part of a request's work within a span of its own.
    ///
    /// - Parameter describe: Adds what is known at the end.
    static func part<Value>(
        _ name: String, work: () async throws -> Value, describe: (Value, inout SpanAttributes) -> Void
    ) async throws -> Value {
        guard tracing != nil else { return try await work() }
        let span = startSpan(name)
        defer { span.end() }
        do {
            let value = try await InstrumentationContext.$current.withValue(span.context) { try await work() }
            span.updateAttributes { describe(value, &$0) }
            return value
        } catch {
            span.recordError(error)
            throw error
        }
    }
}

/// Reads and writes headers for a tracer.
private struct FieldCarrier: Extractor, Injector {
    func extract(key: String, from headers: HTTPFields) -> String? {
        HTTPField.Name(key).flatMap { headers[$0] }
    }

    func inject(_ value: String, forKey key: String, into headers: inout HTTPFields) {
        if let name = HTTPField.Name(key) { headers[name] = value }
    }
}
