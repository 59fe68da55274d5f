import LabProcesses
import LabTesting
import Testing

@testable import RedisClient

@Suite("A connection over TLS")
struct TLSTests {
    /// What PING over an endpoint says: the reply, or the error's sentence.
    private func ping(
        _ endpoint: RedisEndpoint, limits: RedisClient.Limits = .patient
    ) async -> Result<RESPValue, RedisError> {
        let client = RedisClient(endpoint, limits: limits)
        let result: Result<RESPValue, RedisError>
        do throws(RedisError) {
            result = .success(try await client.send(RedisCommand("PING")))
        } catch {
            result = .failure(error)
        }
        await client.close()
        return result
    }

    private func refusal(_ result: Result<RESPValue, RedisError>) -> String? {
        if case .failure(let error) = result, error.code == .unavailable { error.context } else { nil }
    }

    @Test("carries commands, transactions and messages, checked by IP address")
    func works() async throws {
        let files = try await TestCertificates()
        try await withRedisServer(RedisServerOptions(encryption: files.encryption())) { server in
            // The URL of the server says all that is needed.
            let client = RedisClient(try RedisEndpoint(parsing: server.url), limits: .patient)
            let big = String(repeating: "x", count: 200_000)
            _ = try await client.send(RedisCommand("SET", "big", big))
            #expect(try await client.send(RedisCommand("GET", "big")).string == big)
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            let outcome: RedisTransactionOutcome<String> = try await client.transaction(
                watching: ["a"], reading: [RedisCommand("GET", "a")]
            ) { _ in .commit([RedisCommand("PUBLISH", "news", "told")]) }
            guard case .committed = outcome else {
                Issue.record("\(outcome)")
                return
            }
            try await waitUntil { seen.events == [.message("told")] }
            await subscription.cancel()
            await client.close()
        }
    }

    @Test("is refused when another authority signed the server's certificate, or the name is another")
    func untrusted() async throws {
        let files = try await TestCertificates()
        let options = RedisServerOptions(encryption: files.encryption(certificate: "named"))
        try await withRedisServer(options) { server in
            let port = server.port
            func endpoint(_ authority: String, _ name: String?) -> RedisEndpoint {
                RedisEndpoint(
                    .tcp(host: "127.0.0.1", port: port),
                    tls: RedisTLS(authorities: files.file(authority), serverName: name))
            }
            #expect(await ping(endpoint("ca.pem", "redis.lab")) == .success(.simpleString("PONG")))
            let stranger = refusal(await ping(endpoint("other-ca.pem", "redis.lab")))
            #expect(stranger?.contains("check ca=PATH") == true, "\(stranger ?? "")")
            // The certificate has no IP address, and no such name.
            for name in [nil, "example.com"] {
                let misnamed = refusal(await ping(endpoint("ca.pem", name)))
                #expect(misnamed?.contains("server-name=NAME") == true, "\(misnamed ?? "")")
            }
            let system = RedisEndpoint(.tcp(host: "localhost", port: port), tls: RedisTLS())
            #expect(refusal(await ping(system)) != nil)
        }
    }

    @Test("to a server that demands a client certificate needs one that it trusts")
    func clientCertificate() async throws {
        let files = try await TestCertificates()
        let options = RedisServerOptions(encryption: files.encryption(demandsClientCertificate: true))
        try await withRedisServer(options) { server in
            #expect(await ping(server.endpoint) == .success(.simpleString("PONG")))
            func endpoint(_ name: String?) -> RedisEndpoint {
                RedisEndpoint(
                    server.endpoint.address,
                    tls: RedisTLS(
                        authorities: files.file("ca.pem"), certificate: name.map { files.file("\($0).pem") },
                        key: name.map { files.file("\($0).key") }))
            }
            for name in [nil, "other-ca"] {
                let sentence = refusal(await ping(endpoint(name)))
                #expect(sentence?.contains("check cert=PATH and key=PATH") == true, "\(sentence ?? "")")
            }
        }
    }

    @Test("and one without it say what to change when they meet the wrong kind of port")
    func wrongKind() async throws {
        let files = try await TestCertificates()
        try await withRedisServer(RedisServerOptions(encryption: files.encryption())) { server in
            let plain = await ping(RedisEndpoint(server.endpoint.address))
            guard case .failure(let error) = plain else {
                Issue.record("\(plain)")
                return
            }
            #expect(error.context.contains("write rediss://"), "\(error)")
        }
        try await withRedisServer(RedisServerOptions(listener: .tcp(port: nil))) { server in
            let limits = RedisClient.Limits(connect: .milliseconds(500), command: .seconds(60))
            let tls = RedisEndpoint(server.endpoint.address, tls: RedisTLS())
            let sentence = refusal(await ping(tls, limits: limits))
            #expect(sentence?.contains("write redis:// instead of rediss://") == true, "\(sentence ?? "")")
        }
    }

    @Test("logs in as a user of the access list, in a database; a wrong password is said in one sentence")
    func users() async throws {
        let files = try await TestCertificates()
        let options = RedisServerOptions(
            encryption: files.encryption(), password: Secret("of-default"),
            arguments: ["--user", "ann", "on", ">s@cret", "~*", "&*", "+@all"])
        try await withRedisServer(options) { server in
            func endpoint(_ user: String) throws -> RedisEndpoint {
                let port = server.port
                return try RedisEndpoint(
                    parsing: "rediss://\(user)127.0.0.1:\(port)/3?ca=\(files.file("ca.pem"))")
            }
            let client = RedisClient(try endpoint("ann:s%40cret@"), limits: .patient)
            #expect(try await client.send(RedisCommand("ACL", "WHOAMI")).string == "ann")
            _ = try await client.send(RedisCommand("SET", "where", "three"))
            #expect(try await server.command(RedisCommand("GET", "where")) == .null)
            await client.close()
            let wrong = refusal(await ping(try endpoint("ann:wrong@")))
            #expect(wrong?.contains("the user name or the password is wrong") == true, "\(wrong ?? "")")
            let none = refusal(await ping(try endpoint("")))
            #expect(none?.contains("wants a password") == true, "\(none ?? "")")
        }
    }

    @Test("is refused in its URL when a file is missing, is not PEM, or does not fit")
    func files() async throws {
        let files = try await TestCertificates()
        let (pem, key) = (files.file("client.pem"), files.file("client.key"))
        for (query, reason) in [
            ("ca=/no/such.pem", "ca=/no/such.pem cannot be read"),
            ("ca=\(key)", "ca=\(key) holds none in PEM format"),
            ("cert=\(pem)", "add key=PATH"),
            ("key=\(key)", "add cert=PATH"),
            ("cert=\(pem)&key=\(pem)", "key=\(pem) holds none in PEM format"),
            ("cert=\(pem)&key=\(files.file("server.key"))", "do not belong together"),
            ("server-name=10.0.0.1", "is an address"),
            ("verify=no", "verify= means nothing"),
        ] {
            let error = #expect(throws: RedisURLError.self) {
                try RedisEndpoint(parsing: "rediss://host?\(query)")
            }
            #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        }
    }
}
