import HTTPTypes

/// The problems that are not the domain's.
extension Problem {
    static let forbidden = Problem(
        .forbidden, status: .forbidden,
        detail: "this needs an administrator")

    static let bodyTooLong = Problem(
        status: .contentTooLarge, detail: "the body has more than \(LabRequestContext.bodyBytes) bytes")

    static let wrongContentType = Problem(
        status: .unsupportedMediaType, detail: "the body must be sent with Content-Type: application/json")

    static let wrongHost = Problem(
        status: .badRequest, detail: "a request must have one Host header, with a name in it")

    static let malformedRequest = Problem(status: .badRequest, detail: "this is no request of HTTP/1.1")

    static let requestTimeout = Problem(
        status: .requestTimeout, detail: "the request did not come to its end in time")

    static let tookTooLong = Problem(
        .tookTooLong, status: .serviceUnavailable,
        detail: "the answer took too long; whether the request was carried out is not known",
        headers: [.retryAfter: "1"])

    static let wrongExpectation = Problem(
        status: .expectationFailed, detail: "the only expectation that is known here is 100-continue")

    static let headersTooLong = Problem(
        status: .requestHeaderFieldsTooLarge, detail: "the headers of the request are too long")

    static let overloaded = Problem(
        .overloaded, status: .serviceUnavailable,
        detail: "the server has more work than it can take; try again", headers: [.retryAfter: "1"])

    static let wrongCredentials = Problem.unauthorized(
        "the username or the password is wrong", isTokenGiven: false)

    static let belowZero = Problem(
        .belowZero, status: .conflict,
        detail: "fewer units are in stock than should be taken away", field: "delta")

    static let tooManyUnits = Problem(
        .tooManyUnits, status: .conflict,
        detail: "a product has at most 1000000000 units, sold ones included", field: "delta")

    static let contended = Problem(
        .contended, status: .conflict,
        detail: "the lock was not obtained in time; nothing was changed, try again",
        headers: [.retryAfter: "1"])

    static let userNotFound = Problem(
        .userNotFound, status: .notFound,
        detail: "there is no user with this id")

    static func taken(_ field: String) -> Problem {
        Problem(
            .taken, status: .conflict,
            detail: "another user has this \(field)", field: field)
    }

    static func tooManyAttempts(retryAfter seconds: Int) -> Problem {
        Problem(
            .tooManyAttempts, status: .tooManyRequests,
            detail: "too many attempts; wait before the next one",
            headers: [.retryAfter: String(max(1, seconds))])
    }

    static func wrongMethod(allowed: [HTTPRequest.Method]) -> Problem {
        let allow = allowed.map(\.rawValue).joined(separator: ", ")
        return Problem(
            status: .methodNotAllowed, detail: "this address knows \(allow)", headers: [.allow: allow])
    }

    /// What any route may answer.
    static let ofEveryRoute: [Problem] = [
        .wrongHost, .requestTimeout, .wrongExpectation, .headersTooLong, .overloaded,
        ProblemTable.internalError,
    ]
}
