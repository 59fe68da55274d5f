import Foundation
import Hummingbird
import InventoryService
import Logging
import NIOCore

/// What a request carries through the front door and the routes.
struct LabRequestContext: RequestContext {
    /// Bytes of a request body: the largest legitimate one is a product with a long description.
    static let bodyBytes = FixedLimits.bodyBytes

    var coreContext: CoreRequestContextStorage
    /// The user of the request's token, on routes that need one.
    var user: UserID?
    /// Who the client is, where a trusted proxy says so.
    var forwardedAddress: String?
    /// The other end of the connection.
    private let channel: any Channel
    /// Under what the log holds this request.
    var requestID = ""
    /// The logger of this request; its lines get the ids of ``RequestMark/current`` when they are written.
    /// Made when something is logged: a logger's metadata costs more than a route.
    var log: Logger {
        var log = logger
        if let user { log[metadataKey: "user_id"] = "\(user)" }
        return log
    }

    init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The context of a request whose token is this user's.
    func of(_ user: UserID) -> LabRequestContext {
        var context = self
        context.user = user
        return context
    }

    /// Address of the connection's other end; nil for one through a Unix socket.
    var peerAddress: String? { channel.remoteAddress?.ipAddress }

    /// Whom limits count: the address of the connection, or what a trusted proxy says of it, never what any
    /// other header claims. Of IPv6 the first 64 bits, which one customer of a network holds.
    var address: String {
        guard let text = forwardedAddress ?? peerAddress else { return "local" }
        guard text.contains(":") else { return text }
        let halves = text.components(separatedBy: "::").map { $0.split(separator: ":") }
        let zeros = max(0, 8 - halves.reduce(0) { $0 + $1.count })
        let groups = halves[0] + Array(repeating: "0", count: zeros) + (halves.dropFirst().first ?? [])
        return groups.prefix(4).joined(separator: ":") + "::/64"
    }

    var maxUploadSize: Int { Self.bodyBytes }

    /// - Throws: ``Problem`` 401 on a route that forgot to ask for a token.
    var signedIn: UserID {
        get throws(Problem) {
            guard let user else { throw .unauthorized("this needs an access token", isTokenGiven: false) }
            return user
        }
    }
}
