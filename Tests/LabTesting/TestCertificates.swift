import Foundation
public import LabProcesses
import RedisClient

/// Certificates that the `openssl` command makes for one test, in a folder that goes with this value.
public final class TestCertificates: Sendable {
    private let directory: TemporaryDirectory

    /// An authority; a server certificate for 127.0.0.1 and redis.lab; a client certificate; a second
    /// authority that signed nothing.
    public init() async throws {
        directory = try TemporaryDirectory(prefix: "lab-tls")
        try await make("ca", subject: "lab-ca", signed: false)
        try await make("other-ca", subject: "other-ca", signed: false)
        try await make("server", subject: "server", names: "IP:127.0.0.1,DNS:redis.lab", signed: true)
        try await make("named", subject: "named", names: "DNS:redis.lab", signed: true)
        try await make("client", subject: "client", signed: true)
    }

    /// The path of NAME.pem or NAME.key.
    public func file(_ name: String) -> String { directory.file(name) }

    /// For a server whose clients trust our authority and show our client certificate.
    ///
    /// - Parameter certificate: "server", or "named", which is not valid for the IP address.
    public func encryption(
        certificate: String = "server", demandsClientCertificate: Bool = false
    ) -> RedisServerOptions.Encryption {
        .init(
            certificate: file("\(certificate).pem"), key: file("\(certificate).key"),
            authority: file("ca.pem"),
            demandsClientCertificate: demandsClientCertificate,
            client: RedisTLS(
                authorities: file("ca.pem"), certificate: file("client.pem"), key: file("client.key"),
                serverName: certificate == "named" ? "redis.lab" : nil))
    }

    private func make(_ name: String, subject: String, names: String? = nil, signed: Bool) async throws {
        var arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=\(subject)", "-keyout", file("\(name).key"), "-out", file("\(name).pem"),
        ]
        if signed {
            arguments += ["-CA", file("ca.pem"), "-CAkey", file("ca.key")]
            arguments += ["-addext", "basicConstraints=critical,CA:FALSE"]
        }
        if let names { arguments += ["-addext", "subjectAltName=\(names)"] }
        let child = try await ChildProcess.start("openssl", arguments)
        let status = await child.waitUntilExit()
        guard status.isSuccess else { throw NotMade(name: name, output: child.lines()) }
    }

    public struct NotMade: Error, Sendable {
        public let name: String
        public let output: [String]
    }
}
