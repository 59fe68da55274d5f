package import BenchModel
package import NIOCore
import NIOSSL

/// How a target that speaks HTTPS is trusted. The certificate and its name are always checked.
package final class TargetTLS: Sendable, Equatable {
    private let context: NIOSSLContext
    /// Trusted by a file instead of the system.
    package let isOwnAuthority: Bool

    /// - Parameter authorities: Path of a PEM file; nil: the system's.
    /// - Throws: ``BenchError`` when the file cannot be used.
    package init(authorities: String?) throws(BenchError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        isOwnAuthority = authorities != nil
        if let authorities { configuration.trustRoots = .file(authorities) }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            let file = authorities.map {
                "\($0) cannot be used: --target-ca must be a PEM file of certificates"
            }
            throw BenchError(.badInput, file ?? "TLS cannot be used: \(error)")
        }
    }

    /// Goes before HTTP in the channel's pipeline.
    package func install(on channel: any Channel, host: String) throws {
        // A server name is never an address (RFC 6066); an address is looked for among the certificate's own.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host))
    }

    package static func == (one: TargetTLS, other: TargetTLS) -> Bool { one === other }
}
