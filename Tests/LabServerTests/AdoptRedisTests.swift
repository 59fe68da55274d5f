import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import Testing

/// A server that is pointed at the Redis of another one: staging at production.
@Suite("A Redis that belongs to another ledger", .timeLimit(.minutes(5)))
struct AdoptRedisTests {
    @Test("is refused at the start by that ledger's name; with --adopt-redis it is taken over on purpose")
    func refusedThenAdopted() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-adopt")
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let production = try await Self.start(redis.url, directory.file("production.sqlite"))
            let buyer = try await Self.buyer(of: production)
            let product = try await buyer.product(units: 5)
            #expect(try await buyer.buy(product).status == 200)

            let staging = directory.file("staging.sqlite")
            let refused = try await Self.start(redis.url, staging)
            #expect(await refused.waitUntilExit(within: .seconds(60)) == .exited(6))
            let said = refused.lines().joined(separator: "\n")
            #expect(said.contains("it holds the stock of the ledger "), "\(said)")
            #expect(said.contains("--adopt-redis"), "\(said)")
            #expect(try await buyer.buy(product).status == 200)
            #expect(try await buyer.stock(product) == 3)

            // Its own ledger has product 1 too, of another size.
            let adopting = try await Self.start(redis.url, staging, ["--adopt-redis"])
            let other = try await Self.buyer(of: adopting)
            let theirs = try await other.product(units: 40)
            #expect(theirs == product)
            #expect(try await other.buy(theirs).status == 200)
            #expect(try await other.stock(theirs) == 39)
            // The one it was taken from sells nothing more, and is not ready.
            try await waitUntil { try await buyer.send(.get, "/health/ready").status == 503 }
            #expect(try await buyer.buy(product).status == 503)
            #expect(await adopting.terminate(grace: .seconds(60)) == .exited(0))
            #expect(await production.terminate(grace: .seconds(60)) == .exited(0))

            // From then on the Redis is staging's without the flag, and production's no longer.
            let again = try await Self.start(redis.url, directory.file("production.sqlite"))
            #expect(await again.waitUntilExit(within: .seconds(60)) == .exited(6))
        }
        directory.remove()
    }

    private static func start(
        _ redis: String, _ database: String, _ more: [String] = []
    ) async throws -> ChildProcess {
        try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "serve", "--dev", "--bcrypt-cost", "4", "--redis", redis, "--port", "0", "--database",
                "sqlite:" + database, "--reconcile-interval-s", "1",
            ] + more)
    }

    private static func buyer(of server: ChildProcess) async throws -> ApiClient {
        let line = try #require(
            await server.line(within: .seconds(60)) { $0.contains("listening on http://") },
            "\(server.lines())")
        let ports = line.split(separator: " ").compactMap { URL(string: String($0))?.port }
        return try await ApiClient(port: try #require(ports.first)).signedIn()
    }
}
