import HTTPTypes
import Hummingbird
import InventoryService
import Logging

/// Whose a request is. The token is taken from the Authorization header only.
struct Authentication<Store: Ledger>: Sendable {
    let auth: AuthService<Store>

    /// - Throws: ``Problem`` 401 without a token; 403 where an administrator is needed and this is none;
    ///   the errors of ``AuthService``.
    func caller(
        of request: Request, for access: RouteDeclaration.Access, in context: LabRequestContext
    ) async throws -> UserID {
        guard let header = request.headers[.authorization] else {
            throw Problem.unauthorized("this needs an access token", isTokenGiven: false)
        }
        guard let token = Self.token(in: header) else {
            throw Problem.unauthorized("the Authorization header must be: Bearer <token>")
        }
        let caller: AuthService<Store>.Caller
        do throws(InventoryError) {
            caller = try await auth.verify(token)
        } catch {
            if error.code == .invalidToken || error.code == .unknownUser {
                context.log.notice(
                    "token refused", metadata: ["event": "token_refused", "reason": "\(error.context)"])
            }
            throw error
        }
        guard access != .admin || caller.role == .admin else {
            context.log.notice(
                "administrator's route refused",
                metadata: ["event": "authorization_refused", "user_id": "\(caller.user)"])
            throw Problem.forbidden
        }
        return caller.user
    }

    /// What stands behind `Bearer` and a space; nil for another scheme.
    private static func token(in header: String) -> String? {
        let scheme = "bearer ".utf8
        let start = header.utf8.prefix(scheme.count)
        // Letters of ASCII differ by one bit from small ones.
        guard header.utf8.count > scheme.count,
            zip(start, scheme).allSatisfy({ $0 == $1 || ($1 > 0x60 && $0 | 0x20 == $1) })
        else { return nil }
        return String(header.dropFirst(scheme.count))
    }
}
