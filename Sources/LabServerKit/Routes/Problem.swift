import HTTPTypes
import Hummingbird
import InventoryService

/// An error as the client sees it: RFC 9457, and nothing of the inside.
struct Problem: Error, Sendable, Equatable {
    /// What kind of problem this is; nil where the status says all about it.
    let kind: ProblemKind?
    let status: HTTPResponse.Status
    let detail: String
    /// The field of the request that is wrong.
    var field: String?
    var headers: HTTPFields = [:]

    /// Where this kind of problem is explained; what a client tells errors apart by.
    var type: String { kind?.path ?? "about:blank" }
    var title: String { kind?.title ?? status.reasonPhrase }

    init(
        _ kind: ProblemKind?, status: HTTPResponse.Status, detail: String, field: String? = nil,
        headers: HTTPFields = [:]
    ) {
        self.kind = kind
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = headers
    }

    /// An error that the status says all about.
    init(status: HTTPResponse.Status, detail: String? = nil, headers: HTTPFields = [:]) {
        let detail =
            detail
            ?? (status == .notFound ? "there is nothing at this address" : status.reasonPhrase)
        self.init(nil, status: status, detail: detail, headers: headers)
    }

    static func invalid(_ field: String, _ rule: String) -> Problem {
        Problem(
            .invalidField, status: .unprocessableContent, detail: "\(field) \(rule)", field: field)
    }

    static func unauthorized(_ detail: String, isTokenGiven: Bool = true) -> Problem {
        let challenge = isTokenGiven ? #"Bearer error="invalid_token""# : "Bearer"
        return Problem(
            .unauthorized, status: .unauthorized, detail: detail,
            headers: [.wwwAuthenticate: challenge])
    }

    static func productNotFound() -> Problem {
        Problem(
            .productNotFound, status: .notFound,
            detail: "there is no product with this id")
    }

    func with(_ fields: HTTPFields) -> Problem {
        var problem = self
        problem.headers.append(contentsOf: fields)
        return problem
    }

    /// - Parameter requestID: Under what the log holds the request.
    func response(requestID: String) -> Response {
        .json(
            body(requestID: requestID), status: status, type: "application/problem+json", headers: headers)
    }

    func body(requestID: String) -> ByteBuffer {
        JSONText.object { json in
            json.field("type", type)
            json.field("title", title)
            json.field("status", status.code)
            json.field("detail", detail)
            if let field { json.field("field", field) }
            json.field("request_id", requestID)
        }
    }
}
