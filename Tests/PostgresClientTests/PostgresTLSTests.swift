import Foundation
import LabProcesses
import LabTesting
import Testing

@testable import PostgresClient

/// Against a real server with a certificate that an authority of the test has signed for 127.0.0.1.
@Suite(
    "TLS to PostgreSQL", .serialized,
    .enabled(if: PostgresDatabases.canBeMade, "\(PostgresDatabases.absence)"))
struct PostgresTLSTests {
    private struct Place {
        let server: PostgresServerProcess
        let certificates: TestCertificates

        /// Signs in and asks how the connection is encrypted.
        ///
        /// - Returns: The version of TLS; nil without TLS.
        func encryption(_ host: String, _ options: String) async throws -> String? {
            let url = server.url().replacing("@127.0.0.1:", with: "@\(host):") + "?" + options
            let pool = PostgresPool(
                try PostgresEndpoint(parsing: url), .init(connections: 1, connect: .seconds(20)))
            defer { pool.close() }
            let question = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            return try await pool.run(PostgresStatement(nil, question).with())[0].rows[0].optional(0)
        }

        /// The sentence with which a connection is refused.
        func refusal(_ host: String, _ options: String) async throws -> String {
            do {
                let version = try await encryption(host, options)
                Issue.record("\(host) with \(options) is connected by \(version ?? "no TLS")")
                return ""
            } catch let error as PostgresError {
                #expect(error.code == .unreachable)
                #expect(!error.context.contains("\n") && !error.context.contains(server.password))
                return error.context
            }
        }
    }

    private func withPlace(
        isEncrypted: Bool = true, _ body: (Place) async throws -> Void
    ) async throws {
        let certificates = try await TestCertificates()
        let files = PostgresServerOptions.Encryption(
            certificate: certificates.file("server.pem"), key: certificates.file("server.key"))
        let options = PostgresServerOptions(syncsToDisk: false, encryption: isEncrypted ? files : nil)
        try await withPostgresServer(options) { server in
            try await body(Place(server: server, certificates: certificates))
        }
    }

    @Test("The name and the authority are checked as far as sslmode says, and what fails is one sentence")
    func modes() async throws {
        try await withPlace { place in
            let ours = "sslrootcert=" + place.certificates.file("ca.pem")
            let other = "sslrootcert=" + place.certificates.file("other-ca.pem")
            #expect(try await place.encryption("127.0.0.1", "sslmode=verify-full&\(ours)") == "TLSv1.3")
            // The certificate is not for this name.
            #expect(try await place.encryption("localhost", "sslmode=verify-ca&\(ours)") == "TLSv1.3")
            let name = try await place.refusal("localhost", "sslmode=verify-full&\(ours)")
            #expect(
                name.contains(#"does not match host name "localhost"; connect by a name that the"#), "\(name)"
            )
            for (host, mode) in [("127.0.0.1", "verify-full"), ("localhost", "verify-ca")] {
                let stranger = try await place.refusal(host, "sslmode=\(mode)&\(other)")
                let named =
                    "failed; no authority of \(place.certificates.file("other-ca.pem")) has signed the"
                #expect(stranger.contains("/postgres: SSL error: certificate verify \(named)"), "\(stranger)")
                // Those that the system trusts.
                let unnamed = try await place.refusal(host, "sslmode=\(mode)")
                #expect(unnamed.contains("no authority of /etc/ssl/certs/"), "\(unnamed)")
            }
            #expect(try await place.encryption("localhost", "sslmode=require") == "TLSv1.3")
            #expect(try await place.encryption("127.0.0.1", "sslmode=disable") == nil)
        }
    }

    @Test("A server without TLS is refused by every sslmode that asks for it")
    func plain() async throws {
        try await withPlace(isEncrypted: false) { place in
            let ours = "&sslrootcert=" + place.certificates.file("ca.pem")
            for options in ["verify-full" + ours, "verify-ca" + ours, "require"] {
                let refusal = try await place.refusal("127.0.0.1", "sslmode=" + options)
                #expect(
                    refusal.contains("does not support SSL, but SSL was required; turn on ssl"), "\(refusal)")
            }
            #expect(try await place.encryption("127.0.0.1", "sslmode=disable") == nil)
        }
    }
}
