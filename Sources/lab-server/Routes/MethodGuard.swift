import HTTPTypes
import Hummingbird

/// Answers 405 with `Allow` where a path exists and the method does not.
enum MethodGuard {
    private static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    static func add(to router: Router<LabRequestContext>, allowed: [String: [HTTPRequest.Method]]) {
        for (path, known) in allowed {
            let allow = known.map(\.rawValue).joined(separator: ", ")
            for method in methods where !known.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw Problem(
                        status: .methodNotAllowed, detail: "this address knows \(allow)",
                        headers: [.allow: allow])
                }
            }
        }
    }

    /// Every route of the server; a test compares it with the router.
    static let routes: [String: [HTTPRequest.Method]] = [
        "/api/auth/register": [.post],
        "/api/auth/login": [.post],
        "/api/auth/me": [.get],
        "/api/products": [.get, .post],
        "/api/products/:id": [.get],
        "/api/products/:id/stock": [.get],
        "/api/purchases": [.post],
        "/api/purchases/me": [.get],
        "/health/live": [.get],
        "/health/ready": [.get],
    ]
}
