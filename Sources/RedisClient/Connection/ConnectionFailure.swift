import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// One short sentence for the errors that NIO wraps in several layers: what is wrong, and what to change.
enum ConnectionFailure {
    static func sentence(for error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let dns = error.dnsAError, error.connectionErrors.isEmpty {
                return "the name \(error.host) has no address (\(dns))"
            }
            return error.connectionErrors.first.map { sentence(for: $0.error) } ?? "no address answered"
        }
        if let error = error as? IOError {
            return unsafe String(cString: strerror(error.errnoCode))
        }
        if case ChannelError.connectTimeout = error {
            return "no answer within the time limit"
        }
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            return "the server's certificate is for another name; add server-name=NAME with the one it has"
        }
        let text = String(describing: error)
        if error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError {
            return sentence(forTLS: text)
        }
        return text
    }

    /// By BoringSSL's names for what happened.
    private static func sentence(forTLS text: String) -> String {
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the server's certificate is not signed by an authority that we trust; check ca=PATH"
        }
        let alerts = ["CERT", "UNKNOWN_CA", "HANDSHAKE_FAILURE"]
        if text.contains("ALERT") && alerts.contains(where: { text.contains($0) }) {
            return "the server wants a client certificate that it trusts; check cert=PATH and key=PATH"
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("UNEXPECTED_MESSAGE") {
            return "the server does not answer in TLS; if it has none, write redis:// instead of rediss://"
        }
        return "TLS failed: \(text)"
    }
}
