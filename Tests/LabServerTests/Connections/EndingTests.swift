import Foundation
import HTTPTypes
import InventoryService
import LabProcesses
import LabTesting
import LedgerSQLite
import LockStrategies
import NIOCore
import RedisClient
import Testing

@testable import LabServerKit

/// How a server ends, and what becomes of those whom it was serving.
@Suite("The end of a server")
struct EndingTests {
    /// A server whose buyers wait for a lock that the test holds.
    private func withHeldLock(
        _ arguments: [String] = [], endsWith end: LabProcesses.ExitStatus = .exited(0),
        _ body: (RunningServer, RedisClient, String) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-end")
        let path = directory.file("l.sqlite")
        let patient = [
            "--strategy", "setnx-spin", "--purchase-deadline-ms", "300000", "--drain-timeout-ms", "300000",
            "--reconcile-interval-s", "0",
        ]
        try await RunningServer.run(database: path, units: 100, arguments: patient + arguments, endsWith: end)
        {
            server async throws in
            let redis = RedisClient(server.redis.endpoint, limits: .patient)
            let lock = ProductKeys(ProductID(Int64(server.product))).lock.description
            _ = try await redis.send(RedisCommand("SET", lock, "the test's"))
            do {
                try await body(server, redis, path)
            } catch {
                await redis.close()
                throw error
            }
            await redis.close()
        }
        directory.remove()
    }

    /// How often Redis was asked to set something: each attempt at a lock is one.
    private func attempts(_ redis: RedisClient) async throws -> Int {
        let info = try await redis.send(RedisCommand("INFO", "commandstats")).string ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_set:") }
        let calls = line?.split(separator: ",").first?.split(separator: "=").last
        return calls.flatMap { Int($0) } ?? 0
    }

    private func release(_ redis: RedisClient, _ server: RunningServer) async throws {
        let lock = ProductKeys(ProductID(Int64(server.product))).lock.description
        _ = try await redis.send(RedisCommand("DEL", lock))
    }

    private func isRefused(_ port: Int) async -> Bool {
        guard let connection = try? await RawConnection.open(port) else { return true }
        await connection.close()
        return false
    }

    private func rows(_ path: String) async throws -> Listing<Purchase> {
        let ledger = try await SQLiteLedger.open(path: path)
        let rows = try await ledger.purchases(of: UserID(1), Page())
        await ledger.close()
        return rows
    }

    @Test(
        "On SIGTERM nobody new is let in, who is being served is answered, and the server ends with 0 and a closed ledger",
        arguments: [SIGTERM, SIGINT])
    func drain(signal: Int32) async throws {
        try await withHeldLock { server, redis, path async throws in
            let before = try await attempts(redis)
            let (buyer, product) = (server.buyer, server.product)
            let sales = (0..<3).map { _ in Task { try await buyer.buy(product).status } }
            try await waitUntil { try await attempts(redis) > before + 3 }
            server.process.signal(signal)
            let draining = await server.process.line(of: .standardError, within: .seconds(60)) {
                $0.contains("draining")
            }
            #expect(draining != nil)
            try await waitUntil { await isRefused(buyer.port) }
            #expect(server.process.isRunning)
            try await release(redis, server)
            for sale in sales { #expect(try await sale.value == 200) }
            #expect(await server.process.waitUntilExit(within: .seconds(120)) == .exited(0))
            // Closed with a checkpoint: the file alone holds everything.
            let log = try? FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int
            #expect((log ?? 0) == 0)
            #expect(try await rows(path).total == 3)
            let stock = ProductKeys(ProductID(Int64(product))).stock
            #expect(try await redis.send(RedisCommand("GET", stock)).integer == 97)
        }
    }

    @Test("Two SIGINT, as Ctrl-C twice, end a server at once that a buyer keeps waiting")
    func interruptedTwice() async throws {
        try await withHeldLock(endsWith: .exited(130)) { server, redis, path async throws in
            let before = try await attempts(redis)
            let (buyer, product) = (server.buyer, server.product)
            let sale = Task { try? await buyer.buy(product).status }
            try await waitUntil { try await attempts(redis) > before + 3 }
            server.process.signal(SIGINT)
            let draining = await server.process.line(of: .standardError, within: .seconds(60)) {
                $0.contains("draining")
            }
            #expect(draining != nil)
            #expect(server.process.isRunning)
            server.process.signal(SIGINT)
            #expect(await server.process.waitUntilExit(within: .seconds(60)) == .exited(130))
            #expect(await sale.value == nil)
            #expect(try await rows(path).total == 0)
        }
    }

    @Test(
        "A lock that is not obtained in time is 409 with Retry-After and what the waiting cost; nothing is taken"
    )
    func contended() async throws {
        try await withHeldLock(["--purchase-deadline-ms", "200"]) { server, redis, _ async throws in
            let refused = try await server.buyer.buy(server.product)
            #expect(refused.status == 409)
            #expect(refused.headers[.contentType] == "application/problem+json")
            #expect(refused.body["type"] as? String == "/problems/contended")
            #expect(refused.headers[.retryAfter] == "1")
            let timing = refused.headers[.serverTiming] ?? ""
            let waited = timing.firstMatch(of: /wait;dur=([0-9.]+)/).flatMap { Double($0.1) } ?? 0
            #expect(waited >= 150, "\(timing)")
            try await release(redis, server)
            #expect(try await server.buyer.buy(server.product).status == 200)
            #expect(try await server.buyer.stock(server.product) == 99)
        }
    }

    @Test(
        "Between SIGTERM and the end of listening readiness says 503 and buyers are served; a second signal ends it",
        arguments: [SIGTERM, SIGINT])
    func secondSignal(signal: Int32) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-end")
        let delay = ["--drain-delay-ms", "600000"]
        try await RunningServer.run(
            database: directory.file("l.sqlite"), units: 10, arguments: delay, endsWith: .exited(130)
        ) { server async throws in
            #expect(try await server.buyer.send(.get, "/health/ready").status == 200)
            server.process.signal(SIGTERM)
            try await waitUntil { try await server.buyer.send(.get, "/health/ready").status == 503 }
            let ready = try await server.buyer.send(.get, "/health/ready")
            #expect(ready.body["out_of_reach"] as? [String] == ["draining"])
            #expect(try await server.buyer.send(.get, "/health/live").status == 200)
            #expect(try await server.buyer.buy(server.product).status == 200)
            server.process.signal(signal)
            #expect(await server.process.waitUntilExit(within: .seconds(60)) == .exited(130))
        }
        // Ended at once, and still nothing that was answered is lost.
        let ledger = try await SQLiteLedger.open(path: directory.file("l.sqlite"))
        #expect(try await ledger.purchases(of: UserID(1), Page()).total == 1)
        await ledger.close()
        directory.remove()
    }

    @Test(
        "Who is not through when the limit for the rest is over is let go: the server ends with 0, nothing was sold"
    )
    func drainLimit() async throws {
        let short = ["--drain-timeout-ms", "500", "--log-level", "debug"]
        try await withHeldLock(short) { server, redis, path async throws in
            let before = try await attempts(redis)
            let sale = try await RawConnection.open(server.buyer.port)
            try await sale.send(RawConnection.purchase(server.product, token: server.buyer.token ?? ""))
            try await waitUntil { try await attempts(redis) > before + 3 }
            server.process.signal(SIGTERM)
            let cancelling = await server.process.line(of: .standardError, within: .seconds(60)) {
                $0.contains("Graceful shutdown took longer than allowed")
            }
            #expect(cancelling != nil)
            // The buyer was let go, and gives back under the lock what may have been reserved.
            try await release(redis, server)
            let answer = await sale.readToEnd()
            #expect(!answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
            #expect(await server.process.waitUntilExit(within: .seconds(120)) == .exited(0))
            #expect(try await rows(path).total == 0)
            let stock = ProductKeys(ProductID(Int64(server.product))).stock
            #expect(try await redis.send(RedisCommand("GET", stock)).integer == 100)
        }
    }

    @Test(
        "Buyers who ask without pause while the server ends get 200 or no answer; what was answered is recorded"
    )
    func underLoad() async throws {
        let directory = try TemporaryDirectory(prefix: "lab-end")
        let path = directory.file("l.sqlite")
        let ended = Recorder<Int>()
        let unanswered = Recorder<Int>()
        try await RunningServer.run(database: path, units: 100_000) { server async throws in
            let (buyer, product) = (server.buyer, server.product)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while !Task.isCancelled {
                            guard let answer = try? await buyer.buy(product) else {
                                unanswered.note(1)
                                break
                            }
                            ended.note(answer.status)
                        }
                    }
                }
                try? await waitUntil { ended.values.count > 50 }
                server.process.signal(SIGTERM)
                await group.waitForAll()
            }
            #expect(await server.process.waitUntilExit(within: .seconds(120)) == .exited(0))
        }
        #expect(Set(ended.values) == [200])
        #expect(ended.values.count > 50)
        let sold = try await rows(path).total
        #expect((ended.values.count...ended.values.count + unanswered.values.count).contains(sold))
        directory.remove()
    }

    @Test(
        "A buyer who goes away in the middle of a purchase buys once: asking again under the key shows which")
    func vanishedBuyer() async throws {
        try await withHeldLock { server, redis, _ async throws in
            let before = try await attempts(redis)
            let token = server.buyer.token ?? ""
            for number in 0..<4 {
                let buyer = try await RawConnection.open(server.buyer.port)
                try await buyer.send(
                    RawConnection.purchase(server.product, token: token, key: "gone-\(number)"))
                try await waitUntil { try await attempts(redis) > before + 3 * (number + 1) }
                if number.isMultiple(of: 2) { await buyer.reset() } else { await buyer.close() }
            }
            try await release(redis, server)
            // Others go at chance moments of a purchase that waits for nothing.
            for number in 4..<20 {
                let buyer = try await RawConnection.open(server.buyer.port)
                let request = RawConnection.purchase(server.product, token: token, key: "gone-\(number)")
                try await buyer.send(request)
                for _ in 0..<number * 20 { await Task.yield() }
                await buyer.reset()
            }
            var ids: Set<Int> = []
            for number in 0..<20 {
                let key: HTTPFields = [.idempotencyKey: "gone-\(number)"]
                let answer = try await server.buyer.buy(server.product, headers: key)
                #expect(answer.status == 200, "\(answer.text)")
                if let id = answer.body["id"] as? Int { ids.insert(id) }
            }
            #expect(ids.count == 20)
            let mine = try await server.buyer.send(.get, "/api/purchases/me?limit=100")
            #expect(Set(mine.list.compactMap { $0["id"] as? Int }) == ids)
            // Nothing is held by nobody, once those who gave up have given back.
            try await waitUntil { try await server.buyer.stock(server.product) == 80 }
        }
    }
}
