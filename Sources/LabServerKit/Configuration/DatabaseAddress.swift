import InventoryService
import PostgresClient
import RedisClient

/// Where the ledger is: in a file of this machine, or in a database that several servers share.
enum DatabaseAddress: Sendable, Hashable, CustomStringConvertible {
    case sqlite(path: String)
    case postgres(PostgresEndpoint)

    static let standardPath = "data/lab.sqlite"

    /// Reads `sqlite:PATH` or `postgres://…`.
    ///
    /// - Parameter password: Takes the place of one in the URL.
    init(parsing text: String, password: String?) throws(StartFailure) {
        guard PostgresEndpoint.isURL(text) else {
            self = .sqlite(path: try Self.path(text))
            return
        }
        do throws(PostgresURLError) {
            var endpoint = try PostgresEndpoint(parsing: text)
            if let password, !password.isEmpty { endpoint.password = PostgresPassword(password) }
            self = .postgres(endpoint)
        } catch {
            throw StartFailure(.usage, error.description)
        }
    }

    private static func path(_ text: String) throws(StartFailure) -> String {
        let path = String(text.dropFirst("sqlite:".count))
        // ":memory:" and "file:" are names to SQLite, and nothing that survives.
        guard text.hasPrefix("sqlite:"), !path.isEmpty, !path.hasPrefix(":"), !path.hasPrefix("file:") else {
            throw StartFailure(
                .usage,
                "must be sqlite:PATH with the path of a file, or postgres://USER@HOST/NAME, not "
                    + (text.contains("://") ? RedactedURLs(text).description : text))
        }
        return path
    }

    /// Without anything of who signs in.
    var description: String {
        switch self {
        case .sqlite(let path): path
        case .postgres(let endpoint): endpoint.description
        }
    }
}
