import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// What a person is told when a connection fails: NIO wraps the cause in several layers, and their names are
/// nobody's language. Each program that connects takes its words from here.
package enum ConnectionFailure {
    /// What is wrong with TLS, where that is known.
    package enum TLSFault: Sendable, CaseIterable {
        case untrusted
        case otherName
        case clientCertificate
        case noTLS

        fileprivate var sentence: String {
            switch self {
            case .untrusted: "the server's certificate is not signed by an authority that we trust"
            case .otherName: "the server's certificate is for another name"
            case .clientCertificate: "the server wants a client certificate that it trusts"
            case .noTLS: "the server does not answer in TLS"
            }
        }
    }

    /// One sentence: what was tried, and why it failed.
    package static func sentence(connectingTo host: String, _ port: Int, _ error: any Error) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "cannot connect to \(name):\(port): \(reason(for: error))"
    }

    /// The reason alone, in words that go on after a colon.
    ///
    /// - Parameter advice: What to change, for a fault of TLS; empty where nothing is known.
    package static func reason(
        for error: any Error, advice: (TLSFault) -> String = { _ in "" }
    ) -> String {
        if let error = error as? NIOConnectionError {
            guard let first = error.connectionErrors.first else {
                return "the name \(error.host) has no address"
            }
            return reason(for: first.error, advice: advice)
        }
        if let error = error as? IOError {
            return uncapitalized(unsafe String(cString: strerror(error.errnoCode)))
        }
        if let error = error as? ChannelError { return reason(for: error) }
        if let fault = fault(in: error) {
            let change = advice(fault)
            return fault.sentence + (change.isEmpty ? "" : "; \(change)")
        }
        let text = String(describing: error)
        let isTLS = error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
        return isTLS ? "TLS failed: \(text)" : text
    }

    private static func reason(for error: ChannelError) -> String {
        switch error {
        case .connectTimeout: "no answer within the time limit"
        case .eof, .inputClosed, .outputClosed, .ioOnClosedChannel, .alreadyClosed:
            "the connection ended too early"
        default: "the connection failed (\(error))"
        }
    }

    /// By BoringSSL's names for what happened.
    private static func fault(in error: any Error) -> TLSFault? {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname { return .otherName }
        guard error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError else { return nil }
        let text = String(describing: error)
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return .untrusted }
        let alerts = ["CERT", "UNKNOWN_CA", "HANDSHAKE_FAILURE"]
        if text.contains("ALERT") && alerts.contains(where: { text.contains($0) }) {
            return .clientCertificate
        }
        let isNoTLS = text.contains("WRONG_VERSION_NUMBER") || text.contains("UNEXPECTED_MESSAGE")
        return isNoTLS ? .noTLS : nil
    }

    /// The system begins its words with a capital letter.
    private static func uncapitalized(_ text: String) -> String {
        text.prefix(1).lowercased() + text.dropFirst()
    }
}
