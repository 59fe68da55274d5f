import HTTPTypes

/// Every route of the server, each declared once.
enum RouteTable {
    static let all: [RouteDeclaration] = auth + products + purchases + admin + operations

    static subscript(_ id: OperationID) -> RouteDeclaration {
        guard let route = byID[id] else { preconditionFailure("\(id) is not in the table of routes") }
        return route
    }

    private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

    /// The methods that a path knows, in the order of the table; empty for a path that does not exist.
    ///
    /// - Parameter path: As a client wrote it.
    static func methods(at path: String) -> [HTTPRequest.Method] {
        let segments = path.split(separator: "/", omittingEmptySubsequences: true)
        let methods = patterns.filter { $0.fits(segments) }.map(\.method)
        // The router answers HEAD wherever it answers GET.
        return methods + (methods.contains(.get) ? [.head] : [])
    }

    private struct Pattern: Sendable {
        let method: HTTPRequest.Method
        let segments: [Substring]

        func fits(_ path: [Substring]) -> Bool {
            path.count == segments.count
                && zip(segments, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
    }

    private static let patterns = all.map {
        Pattern(method: $0.method, segments: $0.path.split(separator: "/"))
    }

    // MARK: Pieces that several routes share

    static let paging: [RouteDeclaration.Parameter] = [
        .init(
            .query,
            .init(
                "skip", .wholeNumber(Query.skips), isRequired: false,
                "Items to leave out first, from where after says. Further on, go from page to page with after.",
                example: 0)),
        .init(
            .query,
            .init(
                "after", .wholeNumber(1...Int.max), isRequired: false,
                "The page begins behind the item of this id: the last one of the page before, as Link has it.",
                example: 1)),
        .init(
            .query,
            .init("limit", .wholeNumber(1...100), isRequired: false, "Items at most.", example: 10)),
    ]

    static let total = HeaderDeclaration(
        name: "X-Total-Count", shape: .wholeNumber(0...Int.max), note: "Items on all pages.")

    static let next = HeaderDeclaration(
        name: "Link", shape: .text(1...4096), isRequired: false,
        note: "Where the next page is (RFC 8288, rel=next); missing on a page that is not full.")

    /// Headers of every answer of a route that has a limit by address (draft-ietf-httpapi-ratelimit-headers).
    static let rateLimits = [
        HeaderDeclaration(
            name: "RateLimit-Policy", shape: .text(1...200), isRequired: false,
            note: "The limit that counts: its name, requests (q), seconds (w). Missing where there is none."),
        HeaderDeclaration(
            name: "RateLimit", shape: .text(1...200), isRequired: false,
            note: "Requests that are left (r), and the seconds until there are more (t)."),
    ]

    static let retryAfter = HeaderDeclaration(
        name: "Retry-After", shape: .wholeNumber(0...Int.max), note: "Seconds.")

    static func id(_ what: String) -> RouteDeclaration.Parameter {
        .init(.path, .init("id", .wholeNumber(1...Int.max), "The number of the \(what).", example: 1))
    }
}
