import ConnectionFailures

extension ConnectionFailure {
    /// The reason, with what to change in the URL of a Redis.
    static func sentence(for error: any Error) -> String {
        reason(for: error) { fault in
            switch fault {
            case .untrusted: "check ca=PATH"
            case .otherName: "add server-name=NAME with the one it has"
            case .clientCertificate: "check cert=PATH and key=PATH"
            case .noTLS: "if it has none, write redis:// instead of rediss://"
            }
        }
    }
}
