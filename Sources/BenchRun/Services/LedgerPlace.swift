/// Where the servers of a trial keep their ledger.
package enum LedgerPlace: Sendable, Hashable {
    /// The path of a file.
    case sqlite(String)
    /// An address without its password, and the password.
    case postgres(String, password: String)

    /// As lab-server takes it.
    var address: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .postgres(let url, _): url
        }
    }

    /// As the report shows it.
    var shown: String {
        switch self {
        case .sqlite: "sqlite:PATH"
        case .postgres: "postgres:URL"
        }
    }

    /// Of the server's environment: no list of processes shows them.
    var variables: [String: String] {
        switch self {
        case .sqlite: [:]
        case .postgres(_, let password): ["LAB_DATABASE_PASSWORD": password]
        }
    }
}
