import LabProcesses
import LabTesting
import Testing

@testable import RedisClient

/// TLS to every member of a group: those that the URL names, and those that a member names.
@Suite("Sentinels and a cluster over TLS")
struct GroupTLSTests {
    private static let limits = RedisClient.Limits(
        connect: .seconds(10), command: .seconds(10), reconnectBase: .milliseconds(10),
        reconnectCap: .milliseconds(50))

    /// The sentence of the error by which PING fails.
    private func refusal(_ endpoint: RedisEndpoint) async -> String? {
        let client = RedisClient(endpoint, limits: .init(connect: .seconds(10), command: .seconds(10)))
        var sentence: String?
        do throws(RedisError) {
            _ = try await client.send(RedisCommand("PING"))
        } catch {
            sentence = error.context
        }
        await client.close()
        return sentence
    }

    @Test("Sentinels lead to the master, and to the next one when it was killed, all over TLS")
    func sentinel() async throws {
        let files = try await TestCertificates()
        try await SentinelGroup.run(encryption: files.encryption(demandsClientCertificate: true)) { group in
            #expect(group.url.hasPrefix("rediss+sentinel://"))
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            #expect(try await client.send(RedisCommand("INCR", "a")).integer == 1)
            await group.master.kill()
            try await waitUntil { (try? await client.send(RedisCommand("INCR", "b"))) != nil }
            #expect(try await group.replicas[0].command(RedisCommand("EXISTS", "b")).integer == 1)
            await client.close()
        }
    }

    @Test("Sentinels whose authority is a stranger are not believed")
    func stranger() async throws {
        let files = try await TestCertificates()
        try await SentinelGroup.run(encryption: files.encryption()) { group in
            let known = try RedisEndpoint(parsing: group.url)
            let stranger = RedisEndpoint(
                known.address, tls: RedisTLS(authorities: files.file("other-ca.pem")))
            let sentence = await refusal(stranger)
            #expect(sentence?.contains("check ca=PATH") == true, "\(sentence ?? "")")
            #expect(await refusal(known) == nil)
        }
    }

    @Test("a cluster is reached in every slot, by command, transaction and message, all over TLS")
    func cluster() async throws {
        let files = try await TestCertificates()
        try await ClusterGroup.run(encryption: files.encryption(demandsClientCertificate: true)) { group in
            let url = try group.url
            #expect(url.hasPrefix("rediss+cluster://"))
            let client = RedisClient(try RedisEndpoint(parsing: url), limits: Self.limits)
            for number in 0..<50 {
                let key = "key:{\(number)}"
                #expect(try await client.send(RedisCommand("INCR", key)).integer == 1)
                let outcome: RedisTransactionOutcome<String> = try await client.transaction(
                    watching: [key], reading: [RedisCommand("GET", key)]
                ) { _ in .commit([RedisCommand("SET", key, "2")]) }
                guard case .committed = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
            }
            // Each master has its part: the addresses that the nodes name are those of their TLS ports.
            for master in 0..<3 {
                let size = try await group.send(master, "DBSIZE").integer ?? 0
                #expect(size > 0, "master \(master)")
            }
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            try await group.send(1, "PUBLISH", "news", "told")
            try await waitUntil { seen.events == [.message("told")] }
            await subscription.cancel()
            await client.close()
            let stranger = RedisEndpoint(
                try RedisEndpoint(parsing: url).address,
                tls: RedisTLS(authorities: files.file("other-ca.pem")))
            #expect(await refusal(stranger) != nil)
        }
    }
}
