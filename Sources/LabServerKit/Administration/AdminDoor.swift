import ConnectionFailures
import Foundation
import Hummingbird
import HummingbirdCore
import InventoryService
import Logging
import ServiceLifecycle

/// Takes the orders of `admin create` while the server runs: the server's own writer carries them out, so the
/// ledger keeps its one writer.
///
/// A server that cannot open the socket says so in its log and sells.
struct AdminDoor: Service {
    let socket: AdminSocket
    let appoint: AdminCall
    let logger: Logger
    /// Called once, when orders are taken or it is known that none will be.
    let onSettled: @Sendable () -> Void

    func run() async throws {
        do {
            try socket.prepare()
            try await application.run()
            socket.remove()
        } catch {
            logger.warning(
                "admin create cannot reach this server; stop the server first",
                metadata: [
                    "event": "admin_socket_unusable", "path": "\(socket.path)",
                    "error": "\(ConnectionFailure.reason(for: error))",
                ])
            onSettled()
            try? await gracefulShutdown()
        }
    }

    private var application: some ApplicationProtocol {
        let router = Router(context: BasicRequestContext.self)
        router.post("/administrators") { request, _ in
            let body = try await request.body.collect(upTo: FixedLimits.bodyBytes)
            let order = try JSONDecoder().decode(AdminOrder.self, from: Data(body.readableBytesView))
            let (status, sentence) = await carryOut(order)
            return Response(status: status, body: ResponseBody(byteBuffer: ByteBuffer(string: sentence)))
        }
        return Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket.path),
                availableConnectionsDelegate: .maximum(8, logger: logger)),
            onServerRunning: { _ in onSettled() },
            // What matters is said here; how its sockets end when the server cannot listen is nobody's
            // concern.
            logger: Logger(label: "lab-server.admin") { _ in SwiftLogNoOpLogHandler() })
    }

    private func carryOut(_ order: AdminOrder) async -> (HTTPResponse.Status, String) {
        do throws(InventoryError) {
            let sentence = try await appoint(order)
            logger.notice(
                "administrator made at the command line",
                metadata: [
                    "event": "admin_action", "action": "admin create", "username": "\(order.username)",
                ])
            return (.ok, sentence)
        } catch {
            return (error.code == .invalidField ? .unprocessableContent : .serviceUnavailable, error.context)
        }
    }
}

extension Administrators.Outcome {
    /// What `admin create` prints.
    ///
    /// - Throws: ``InventoryError`` `.invalidField` when nothing was made.
    var sentence: String {
        get throws(InventoryError) {
            switch self {
            case .created(let user): return "administrator \(user.username) was made (user \(user.id))"
            case .promoted(let user):
                return
                    "user \(user.username) (user \(user.id)) is an administrator now, with the new password"
            case .emailTaken: throw .init(.invalidField, "another user has this e-mail address")
            }
        }
    }
}
