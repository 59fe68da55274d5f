import Foundation
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@testable import LabServerKit

/// The built program sells on every kind of Redis that a URL can name.
@Suite struct RedisShapesTests {
    /// Buys twice under a strategy and gives the stock that the program then shows.
    private func buyTwo(of units: Int, _ redis: String, _ strategy: StrategyEntry) async throws -> Int? {
        let directory = try TemporaryDirectory(prefix: "lab-shape")
        let child = try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "--dev", "--bcrypt-cost", "4", "--redis", redis, "--strategy", strategy.name, "--port",
                "0",
                "--database", "sqlite:" + directory.file("l.sqlite"),
            ])
        let line = try #require(
            await child.line(within: .seconds(60)) { $0.contains("listening on http://") }, "\(child.lines())"
        )
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        let port = try #require(ports.first)
        let client = try await ApiClient(port: port).signedIn()
        let product = try await client.product(units: units)
        for _ in 0..<2 { #expect(try await client.buy(product).status == 200) }
        let left = try await client.stock(product)
        #expect(await child.terminate(grace: .seconds(30)) == .exited(0))
        directory.remove()
        return left
    }

    @Test("A cluster, under every strategy that needs one Redis and no PostgreSQL")
    func cluster() async throws {
        try await ClusterGroup.run { group async throws in
            for strategy in StrategyRegistry.builtIn.entries
            where !strategy.needsLockNodes && !strategy.needsPostgres {
                #expect(try await buyTwo(of: 5, try group.url, strategy) == 3, "\(strategy)")
                // The next program numbers its products from 1 again.
                for node in 0..<3 { try await group.send(node, "FLUSHALL") }
            }
        }
    }

    @Test("A master that Sentinels name, and a server over TLS")
    func others() async throws {
        try await SentinelGroup.run(replicas: 0) { group async throws in
            #expect(try await buyTwo(of: 5, group.url, .setnxBackoff) == 3)
        }
        let files = try await TestCertificates()
        let options = RedisServerOptions(encryption: files.encryption(demandsClientCertificate: true))
        try await withRedisServer(options) { redis async throws in
            #expect(try await buyTwo(of: 5, redis.url, .luaAtomic) == 3)
        }
    }
}
