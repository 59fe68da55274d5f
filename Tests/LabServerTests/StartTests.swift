import Foundation
import HTTPTypes
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@testable import LabServerKit

/// What a server answers before it sells.
@Suite struct StartTests {
    @Test(
        "The word is said once, when all of the server listens and the first comparison has ended, in any order",
        arguments: [0, 1, 2, 3])
    func notice(first: Int) {
        let said = Recorder<ServingAddresses>()
        let notice = StartNotice(withMetrics: true) { said.note($0) }
        let steps = [
            { notice.listens(at: "here") }, { notice.showsMetrics(at: "there") }, { notice.hasCompared() },
            { notice.hasSettledOrders() },
        ]
        for offset in 0..<4 {
            #expect(said.values.isEmpty)
            steps[(first + offset) % 4]()
        }
        notice.hasCompared()
        #expect(said.values == [ServingAddresses(api: "here", metrics: "there")])
    }

    @Test("The word does not wait for a page for Prometheus that nobody asked for")
    func withoutMetrics() {
        let said = Recorder<ServingAddresses>()
        let notice = StartNotice(withMetrics: false) { said.note($0) }
        notice.listens(at: "here")
        notice.hasSettledOrders()
        notice.hasCompared()
        #expect(said.values == [ServingAddresses(api: "here")])
    }

    /// A crash has left a unit reserved, and the lock that its return needs is somebody else's: the first
    /// comparison of the next server is held up for as long as that lasts.
    @Test(
        "While stock and ledger are compared the server lives, has not started, and sells nothing; then it does"
    )
    func heldUp() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-start")
        let database = directory.file("l.sqlite")
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let stock = RedisClient(redis.endpoint, limits: .patient)
            let port = try FreePort.pick()
            let first = try await start(redis.url, database, port, crashAt: "after-reserve:1")
            _ = try #require(await first.line(within: .seconds(60)) { $0.contains("listening on") })
            let buyer = try await ApiClient(port: port).signedIn()
            let product = try await buyer.product(units: 1)
            _ = try? await buyer.buy(product)
            #expect(await first.waitUntilExit(within: .seconds(60)) == .signalled(SIGKILL))

            let lock = ProductKeys(ProductID(Int64(product))).lock.description
            _ = try await stock.send(RedisCommand("SET", [lock, "another"]))
            let second = try await start(redis.url, database, port)
            try await waitUntil { (try? await buyer.send(.get, "/health/live").status) == 200 }
            let starting = try await buyer.send(.get, "/health/startup")
            // Else the purchase below would wait for the lock.
            try #require(starting.status == 503)
            #expect(starting.headers[.retryAfter] != nil)
            #expect(starting.body["status"] as? String == "starting")
            let ready = try await buyer.send(.get, "/health/ready")
            #expect(ready.status == 503 && ready.headers[.retryAfter] != nil)
            #expect(ready.body["out_of_reach"] as? [String] == ["starting"])
            // Its one unit is about to come back, so "sold out" would be a lie.
            let refused = try await buyer.buy(product, headers: [.idempotencyKey: "k"])
            #expect(refused.status == 503 && refused.headers[.retryAfter] != nil)
            #expect(refused.body["type"] as? String == "/problems/stock-unknown")
            #expect(!second.lines().contains { $0.contains("listening on") })

            _ = try await stock.send(RedisCommand("DEL", [lock]))
            try await waitUntil { try await buyer.send(.get, "/health/startup").status == 200 }
            #expect(try await buyer.send(.get, "/health/ready").status == 200)
            #expect(await second.line(within: .seconds(60)) { $0.contains("listening on") } != nil)
            #expect(try await buyer.buy(product, headers: [.idempotencyKey: "k"]).status == 200)
            #expect(try await buyer.stock(product) == 0)
            #expect(await second.terminate(grace: .seconds(60)) == .exited(0))
            await stock.close()
        }
        directory.remove()
    }

    @Test("A server that is asked to end while it starts ends as it should")
    func endedWhileStarting() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-start")
        let database = directory.file("l.sqlite")
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { redis async throws in
            let stock = RedisClient(redis.endpoint, limits: .patient)
            let port = try FreePort.pick()
            let first = try await start(redis.url, database, port, crashAt: "after-reserve:1")
            _ = try #require(await first.line(within: .seconds(60)) { $0.contains("listening on") })
            let buyer = try await ApiClient(port: port).signedIn()
            let product = try await buyer.product(units: 1)
            _ = try? await buyer.buy(product)
            #expect(await first.waitUntilExit(within: .seconds(60)) == .signalled(SIGKILL))
            let lock = ProductKeys(ProductID(Int64(product))).lock.description
            _ = try await stock.send(RedisCommand("SET", [lock, "another"]))
            let second = try await start(redis.url, database, port, drainTimeout: 500)
            try await waitUntil { (try? await buyer.send(.get, "/health/startup").status) == 503 }
            #expect(await second.terminate(grace: .seconds(60)) == .exited(0), "\(second.lines())")
            await stock.close()
        }
        directory.remove()
    }

    private func start(
        _ redis: String, _ database: String, _ port: Int, crashAt: String? = nil, drainTimeout: Int = 20_000
    ) async throws -> ChildProcess {
        var environment = ProcessInfo.processInfo.environment
        environment["LAB_CRASH_AT"] = crashAt
        // Tokens of the first server count with the second one.
        environment["LAB_JWT_SECRET"] = "b52f0d9ce8a14737a6f1c2d85e90b3746a1f"
        return try await ChildProcess.start(
            try BuiltProgram.path("lab-server"),
            [
                "--dev", "--bcrypt-cost", "4", "--redis", redis, "--port", "\(port)", "--database",
                "sqlite:" + database, "--strategy", "setnx-spin", "--purchase-deadline-ms", "600000",
                "--drain-timeout-ms", "\(drainTimeout)",
            ], environment: environment)
    }
}
