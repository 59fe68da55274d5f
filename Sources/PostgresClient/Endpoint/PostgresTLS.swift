/// How a connection to PostgreSQL is encrypted, and what of the server's certificate is checked.
package struct PostgresTLS: Sendable, Hashable {
    /// The names are those of libpq's `sslmode`.
    package enum Mode: String, Sendable, CaseIterable {
        /// Without TLS.
        case disable
        /// TLS where the server offers it. Only for a server on this machine: who can change what is sent
        /// can also take the offer away.
        case prefer
        /// TLS, whoever answers.
        case require
        /// TLS with a certificate that a known authority has signed, for any name.
        case verifyAuthority = "verify-ca"
        /// TLS with a certificate that a known authority has signed for this host name.
        case verifyName = "verify-full"

        var checksCertificate: Bool { self == .verifyAuthority || self == .verifyName }
    }

    package var mode: Mode
    /// Files of PEM; nil is none, and for the authorities those of the system.
    package var authorities: String?
    package var certificate: String?
    package var key: String?

    package init(_ mode: Mode, authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.mode = mode
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }

    /// Where Debian and Ubuntu keep the certificates of all authorities that the system trusts.
    static let authoritiesOfSystem = "/etc/ssl/certs/ca-certificates.crt"
}
