import InventoryService
import NIOSSL

/// A certificate chain and its key, found to belong together.
struct TLSPair: Sendable {
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey
    /// When the server's own certificate ends.
    let ends: Timestamp
    /// Serial number of the server's own certificate, in hexadecimal digits.
    let serial: String

    /// TLS 1.2 and newer, HTTP/1.1.
    var configuration: TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }
}
