import HTTPTypes

/// One route, declared once: the router, the check of roles, the answer to wrong methods and the OpenAPI
/// document all read this.
struct RouteDeclaration: Sendable {
    enum Access: String, Sendable, CaseIterable {
        case anyone
        case user
        case admin
    }

    /// Where a value stands that is not in the body.
    enum Location: String, Sendable {
        case path
        case query
        case header
    }

    struct Parameter: Sendable {
        let location: Location
        let field: FieldDeclaration

        init(_ location: Location, _ field: FieldDeclaration) {
            self.location = location
            self.field = field
        }
    }

    /// What an answer carries.
    enum Content: Sendable {
        case nothing
        case object(ObjectDeclaration)
        case list(of: ObjectDeclaration)
        case page
    }

    struct Answer: Sendable {
        let status: HTTPResponse.Status
        let content: Content
        let note: String
        var headers: [HeaderDeclaration] = []
    }

    /// A problem that this route can end with.
    struct Refusal: Sendable {
        let status: HTTPResponse.Status
        let problem: Problem

        init(_ problem: Problem) {
            status = problem.status
            self.problem = problem
        }
    }

    let id: OperationID
    let method: HTTPRequest.Method
    /// With names in braces.
    let path: String
    let access: Access
    let tag: String
    let summary: String
    let parameters: [Parameter]
    /// Nil for a route without a body.
    let body: ObjectDeclaration?
    let answers: [Answer]
    /// What the route may refuse with, the refusals that every route has included.
    let refusals: [Refusal]
    /// Names that the query may hold.
    let queryNames: Set<String>
    /// Names that the body may hold.
    let bodyNames: Set<String>

    init(
        _ id: OperationID, _ method: HTTPRequest.Method, _ path: String, _ access: Access, tag: String,
        _ summary: String, parameters: [Parameter] = [], body: ObjectDeclaration? = nil, answers: [Answer],
        refusals: [Problem] = []
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.access = access
        self.tag = tag
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.answers = answers
        var all = refusals
        if access != .anyone { all.append(.unauthorized("this needs an access token", isTokenGiven: false)) }
        if access == .admin { all.append(.forbidden) }
        if body != nil { all += [.bodyTooLong, .wrongContentType] }
        let locations = parameters.map(\.location)
        if body != nil || locations.contains(.query) || locations.contains(.header) {
            all.append(.invalid(Self.invalidExample(body, parameters), "is not as it should be"))
        }
        self.refusals = (all + Problem.ofEveryRoute).map(Refusal.init)
        queryNames = Set(parameters.filter { $0.location == .query }.map(\.field.name))
        bodyNames = Set(body?.fields.map(\.name) ?? [])
    }

    private static func invalidExample(_ body: ObjectDeclaration?, _ parameters: [Parameter]) -> String {
        body?.fields.first?.name ?? parameters.first?.field.name ?? "body"
    }

    /// Requests of one address, or guesses at one account, are counted here.
    var isLimited: Bool { refusals.contains { $0.status == .tooManyRequests } }

    /// In the form that the router reads.
    var routerPath: String {
        path.replacing("{", with: ":").replacing("}", with: "")
    }
}

/// A header of an answer.
struct HeaderDeclaration: Sendable {
    let name: String
    let shape: ValueShape
    var isRequired = true
    let note: String
}
