import HTTPTypes
import Hummingbird
import InventoryService
import Logging
import RedisClient

/// Register, log in, who am I.
struct AuthRoutes<Store: Ledger> {
    let auth: AuthService<Store>
    let limiter: AuthLimiter

    func add(to routes: RouteRegistrar<Store>) {
        limited(.register, routes) { request, context in try await register(request, context) }
        limited(.logIn, routes) { request, context in try await logIn(request, context) }
        routes.on(.logOut) { _, context in
            let user = try context.signedIn
            try await auth.signOut(user)
            context.log.notice(
                "signed out", metadata: ["event": "signed_out", "user_id": "\(user)"])
            return .empty
        }
        limited(.changePassword, routes) { request, context in try await changePassword(request, context) }
        routes.on(.me) { _, context in
            let user = try await auth.currentUser(context.signedIn)
            return Response.json(JSONText.object { $0.fields(of: user) })
        }
    }

    /// A route that counts for the address of its caller. Every answer says how many are left, unless the
    /// account's limit has already said so.
    private func limited(
        _ id: OperationID, _ routes: RouteRegistrar<Store>, _ handler: @escaping RouteRegistrar<Store>.Handler
    ) {
        routes.on(id) { request, context in
            let limits = try admit(context)
            do {
                var response = try await handler(request, context)
                response.headers.append(contentsOf: limits)
                return response
            } catch {
                let problem = Problem(answering: error, logger: context.log)
                throw problem.headers[.rateLimit] == nil ? problem.with(limits) : problem
            }
        }
    }

    private func register(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .register)
        let outcome = try await auth.register(
            username: fields.text("username"), password: fields.text("password"),
            email: fields.optionalText("email"))
        switch outcome {
        case .created(let user):
            context.log.notice(
                "user registered", metadata: ["event": "user_registered", "user_id": "\(user.id)"])
            return .json(JSONText.object { $0.fields(of: user) }, status: .created)
        case .usernameTaken:
            throw Problem.taken("username")
        case .emailTaken:
            throw Problem.taken("email")
        }
    }

    private func logIn(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .logIn)
        let (username, password) = (try fields.text("username"), try fields.text("password"))
        let account = Self.account(username)
        try guess(account, context)
        guard let signIn = try await auth.authenticate(username: username, password: password) else {
            context.log.notice(
                "sign-in refused", metadata: ["event": "sign_in_refused", "address": "\(context.address)"])
            throw Problem.wrongCredentials
        }
        limiter.wasRight(account: account)
        context.log.notice(
            "signed in", metadata: ["event": "signed_in", "user_id": "\(signIn.user.id)"])
        let body = JSONText.object { json in
            json.field("access_token", signIn.token.revealed)
            json.field("token_type", "bearer")
            json.field("expires_in", signIn.expiresIn.components.seconds)
        }
        return .json(body)
    }

    private func admit(_ context: LabRequestContext) throws(Problem) -> HTTPFields {
        do throws(Problem) {
            return try limiter.admit(address: context.address)
        } catch {
            Self.logLimit("address", context)
            throw error
        }
    }

    private func guess(_ account: String, _ context: LabRequestContext) throws(Problem) {
        do throws(Problem) {
            try limiter.guess(account: account)
        } catch {
            Self.logLimit("account", context)
            throw error
        }
    }

    /// The name of the account stays out: whoever guesses chooses it.
    private static func logLimit(_ limit: String, _ context: LabRequestContext) {
        context.log.notice(
            "limit reached",
            metadata: ["event": "limit_reached", "limit": "\(limit)", "address": "\(context.address)"])
    }

    /// A text that no user can have as a name gets no guesses of its own: all of those share one account's.
    private static func account(_ username: String) -> String {
        UserRules.isUsername(username) ? username : ""
    }

    private func changePassword(_ request: Request, _ context: LabRequestContext) async throws -> Response {
        let fields = try await Fields(of: request, for: .changePassword)
        let (password, new) = (try fields.text("password"), try fields.text("new_password"))
        let user = try await auth.currentUser(context.signedIn)
        // Whoever holds a stolen token guesses here as at the sign-in.
        try guess(user.username, context)
        let isRight = try await auth.changePassword(of: user.id, from: password, to: new)
        if isRight { limiter.wasRight(account: user.username) }
        context.log.notice(
            isRight ? "password changed" : "password not changed: the present one was wrong",
            metadata: [
                "event": isRight ? "password_changed" : "password_change_refused", "user_id": "\(user.id)",
            ])
        guard isRight else { throw Problem.invalid("password", "is not the password of this user") }
        return .empty
    }
}

extension JSONText {
    mutating func fields(of user: User) {
        field("id", user.id.rawValue)
        field("username", user.username)
        field("email", user.email)
        field("created_at", user.createdAt)
    }
}
