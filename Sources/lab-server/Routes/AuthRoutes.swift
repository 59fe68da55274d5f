import HTTPTypes
import Hummingbird
import InventoryService
import RedisClient

/// Register, log in, who am I.
struct AuthRoutes<Store: Ledger> {
    let auth: AuthService<Store>

    func add(to router: Router<LabRequestContext>, signedIn: RouterGroup<LabRequestContext>) {
        router.post("/api/auth/register") { request, _ in try await register(request) }
        router.post("/api/auth/login") { request, _ in try await logIn(request) }
        signedIn.get("/api/auth/me") { _, context in
            let user = try await auth.currentUser(context.signedIn)
            return Response.json(JSONText.object { $0.fields(of: user) })
        }
    }

    private func register(_ request: Request) async throws -> Response {
        let fields = try await Fields(of: request, known: ["username", "password", "email"])
        let outcome = try await auth.register(
            username: fields.text("username"), password: fields.text("password"),
            email: fields.optionalText("email"))
        switch outcome {
        case .created(let user):
            return .json(JSONText.object { $0.fields(of: user) }, status: .created)
        case .usernameTaken:
            throw Self.taken("username")
        case .emailTaken:
            throw Self.taken("email")
        }
    }

    private func logIn(_ request: Request) async throws -> Response {
        let fields = try await Fields(of: request, known: ["username", "password"])
        let signIn = try await auth.authenticate(
            username: fields.text("username"), password: fields.text("password"))
        guard let signIn else {
            throw Problem.unauthorized("the username or the password is wrong", isTokenGiven: false)
        }
        let body = JSONText.object { json in
            json.field("access_token", signIn.token.revealed)
            json.field("token_type", "bearer")
            json.field("expires_in", signIn.expiresIn.components.seconds)
        }
        return .json(body)
    }

    private static func taken(_ field: String) -> Problem {
        Problem(
            type: "/problems/taken", title: "Already taken", status: .conflict,
            detail: "another user has this \(field)", field: field)
    }
}

extension JSONText {
    fileprivate mutating func fields(of user: User) {
        field("id", user.id.rawValue)
        field("username", user.username)
        field("email", user.email)
        field("created_at", user.createdAt)
    }
}
