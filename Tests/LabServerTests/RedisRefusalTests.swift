import FaultInjection
import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import LabServerKit

/// The built program with a Redis that it cannot use: one line that says what to change, and a code.
@Suite struct RedisRefusalTests {
    private func refusal(
        _ redis: String, strategy: String = "lua-atomic", code: Int32, _ parts: [String]
    ) async throws {
        let program = try BuiltProgram.path("lab-server")
        let child = try await ChildProcess.start(
            program, ["--dev", "--redis", redis, "--strategy", strategy, "--port", "0"])
        #expect(await child.waitUntilExit(within: .seconds(60)) == .exited(code))
        let errors = child.lines(of: .standardError)
        #expect(errors.count == 1, "\(errors)")
        for part in parts { #expect(errors.first?.contains(part) == true, "\(errors)") }
    }

    @Test("A wrong password, and a missing one, end with code 6 and never show the password")
    func password() async throws {
        let options = RedisServerOptions(password: Secret("right"))
        try await withRedisServer(options) { redis async throws in
            let port = redis.port
            try await refusal(
                "redis://:hunter2@127.0.0.1:\(port)", code: 6, ["the password is wrong", "correct --redis"])
            try await refusal("redis://127.0.0.1:\(port)", code: 6, ["wants a password"])
        }
    }

    @Test("A TLS URL to a plain port, and a plain URL to a TLS port, name the scheme to write")
    func encryption() async throws {
        try await withRedisServer { redis async throws in
            try await refusal(
                "rediss://127.0.0.1:\(redis.port)", code: 6, ["write redis:// instead of rediss://"])
        }
        let files = try await TestCertificates()
        let options = RedisServerOptions(encryption: files.encryption())
        try await withRedisServer(options) { redis async throws in
            try await refusal("redis://127.0.0.1:\(redis.port)", code: 6, ["write rediss://"])
            try await refusal("rediss://127.0.0.1:\(redis.port)", code: 6, ["check ca=PATH"])
        }
    }

    @Test("Two lock nodes that are one server under two addresses end with code 64")
    func sameServer() async throws {
        try await withRedisServer { stock async throws in
            try await withRedisServer { node async throws in
                let proxy = try await FaultProxy.start(upstreamPort: node.port)
                try await refusal(
                    "\(stock.url),\(node.url),redis://127.0.0.1:\(proxy.port),redis://127.0.0.1:1",
                    strategy: "redlock", code: 64, ["are one server", "127.0.0.1:\(proxy.port)"])
                await proxy.stop()
            }
        }
    }

    @Test(
        "A server that throws keys away when its memory is full ends with code 6 and the setting to change",
        arguments: ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])
    func eviction(policy: String) async throws {
        let options = RedisServerOptions(arguments: ["--maxmemory", "50mb", "--maxmemory-policy", policy])
        let parts = [policy, "set maxmemory-policy to noeviction"]
        try await withRedisServer(options) { evicting async throws in
            try await refusal(evicting.url, code: 6, parts)
            try await withRedisServer { stock async throws in
                try await refusal(
                    "\(stock.url),\(evicting.url),redis://127.0.0.1:1,redis://127.0.0.1:2",
                    strategy: "redlock", code: 6, parts)
            }
        }
    }

    @Test("A Sentinel that does not know the master ends with code 6")
    func unknownMaster() async throws {
        try await SentinelGroup.run(replicas: 0) { group async throws in
            try await refusal(
                group.url(master: "store"), code: 6, ["\"store\"", "check the name in the URL"])
        }
    }

    @Test("A server that is no cluster ends with code 6")
    func noCluster() async throws {
        try await withRedisServer { redis async throws in
            try await refusal(
                "redis+cluster://127.0.0.1:\(redis.port)", code: 6, ["cluster support disabled"])
        }
    }

    @Test(
        "A running server is not ready while its Redis takes no writes, says it with 503, and sells again by itself",
        arguments: [
            (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
            (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
        ])
    func noWrites(harm: [String], cure: [String]) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-no-writes")
        try await RunningServer.run(database: directory.file("l.sqlite"), units: 9) { server async throws in
            func redis(_ words: [String]) async throws {
                let client = RedisClient(server.redis.endpoint, limits: .patient)
                _ = try await client.send(RedisCommand(words[0], Array(words.dropFirst())))
                await client.close()
            }
            #expect(try await server.buy(1).map(\.status) == [200])
            try await redis(harm)
            #expect(try await server.buy(3).allSatisfy { $0.status == 503 })
            #expect(try await server.buyer.send(.get, "/health/ready").status == 503)
            try await redis(cure)
            try await waitUntil { try await server.buyer.send(.get, "/health/ready").status == 200 }
            try await waitUntil { try await server.buy(1).map(\.status) == [200] }
            try await server.expectExact(sold: 2)
        }
        directory.remove()
    }
}
