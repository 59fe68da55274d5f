import Foundation
import NIOSSL

/// How to encrypt a connection, and whom to trust. The server's name or IP address is always checked.
public struct RedisTLS: Sendable, Hashable {
    /// PEM file of the authorities that may have signed the server's certificate; nil: those of the system.
    public let authorities: String?
    /// PEM files by which the server knows us; both or none.
    public let certificate: String?
    /// PEM file of the private key of ``certificate``.
    public let key: String?
    /// The name that the certificate must have; nil: the host of the URL.
    public let serverName: String?

    /// Each parameter is the property of that name. Nothing is read yet.
    public init(
        authorities: String? = nil, certificate: String? = nil, key: String? = nil, serverName: String? = nil
    ) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.serverName = serverName
    }

    /// Reads the files. Blocks.
    ///
    /// - Throws: A sentence that names the file.
    func context() throws(Problem) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities {
            let trusted = try Self.load("ca", authorities) { try NIOSSLCertificate.fromPEMFile($0) }
            configuration.trustRoots = .certificates(trusted)
        }
        switch (certificate, key) {
        case (let certificate?, let key?):
            configuration.certificateChain = try Self.load("cert", certificate) {
                try NIOSSLCertificate.fromPEMFile($0).map { .certificate($0) }
            }
            configuration.privateKey = try Self.load("key", key) {
                .privateKey(try NIOSSLPrivateKey(file: $0, format: .pem))
            }
        case (nil, nil):
            break
        case (_?, nil):
            throw Problem(sentence: "cert= needs the key that belongs to it: add key=PATH")
        case (nil, _?):
            throw Problem(sentence: "key= needs the certificate that belongs to it: add cert=PATH")
        }
        if let serverName, RedisTLS.isIPAddress(serverName) {
            throw Problem(
                sentence: "server-name=\(serverName) is an address; give the name in the certificate")
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Problem(sentence: "cert=\(certificate ?? "") and key=\(key ?? "") do not belong together")
        }
    }

    /// The name to send and to check; nil for a bare IP address, which is checked as such.
    func name(for host: String) -> String? {
        serverName ?? (Self.isIPAddress(host) ? nil : host)
    }

    /// The part of a URL that says all this.
    var query: String {
        let parts = [("ca", authorities), ("cert", certificate), ("key", key), ("server-name", serverName)]
            .compactMap { name, value in
                value?.addingPercentEncoding(withAllowedCharacters: Self.valueCharacters).map {
                    "\(name)=\($0)"
                }
            }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    private static let valueCharacters = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~/"))

    struct Problem: Error {
        let sentence: String
    }

    private static func load<Value>(
        _ name: String, _ path: String, _ read: (String) throws -> Value
    ) throws(Problem) -> Value {
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw Problem(sentence: "the file \(name)=\(path) cannot be read")
        }
        do {
            return try read(path)
        } catch {
            throw Problem(sentence: "the file \(name)=\(path) holds none in PEM format")
        }
    }

    private static func isIPAddress(_ host: String) -> Bool {
        var v4 = in_addr()
        var v6 = in6_addr()
        return unsafe inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1
    }
}
