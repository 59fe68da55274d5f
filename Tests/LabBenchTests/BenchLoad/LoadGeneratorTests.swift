import BenchLoad
import BenchModel
import Histogram
import LabProcesses
import LabTesting
import NIOCore
import Testing

@Suite("The load generator", .timeLimit(.minutes(10)))
struct LoadGeneratorTests {
    private static let timing = #"wait;dur=1, hold;dur=2, attempts;desc="3", commands;desc="4""#

    private static func drive(
        _ target: LoadTarget, users: Int = 4, warmup: Duration = .milliseconds(20),
        drain: Duration = .seconds(20)
    ) async throws -> LoadRecord {
        let buyers = target.buyers(of: [1], tokens: (0..<users).map { "token-\($0)" })
        let (_, progress) = AsyncStream.makeStream(of: LoadProgress.self)
        return try await LoadGenerator.run(
            target, buyers, LoadPlan(warmup: warmup, duration: .milliseconds(300), drain: drain),
            progress: progress)
    }

    @Test("counts as many answers as the server has given, each request once")
    func counts() async throws {
        let shop = try await FakeShop.open { _ in .answer(status: 200, body: "{}", timing: Self.timing) }
        let record = try await Self.drive(shop.target)
        #expect(record.total(.success) == shop.requests)
        #expect(record.total(.success) >= record.measured(.success))
        #expect(record.measured(.success) > 0)
        #expect(record.userSuccesses.allSatisfy { $0 > 0 })
        #expect(record.attempts.totalCount == UInt64(record.measured(.success)))
        #expect(record.attempts.max == 3)
        #expect(record.commands.max == 4)
        await shop.close()
    }

    @Test("keeps outcomes apart")
    func outcomes() async throws {
        let shop = try await FakeShop.open { number in
            switch number % 4 {
            case 0: .answer(status: 200, body: "{}", timing: nil)
            case 1: .answer(status: 400, body: #"{"type":"/problems/sold-out"}"#, timing: nil)
            case 2: .answer(status: 409, body: "{}", timing: nil)
            default: .answer(status: 503, body: "{}", timing: nil)
            }
        }
        let record = try await Self.drive(shop.target)
        #expect(record.totals.reduce(0, +) == shop.requests)
        for outcome in [BuyerOutcome.success, .soldOut, .contended, .unavailable] {
            #expect(record.total(outcome) > 0)
        }
        #expect(record.total(.other) + record.total(.transportError) == 0)
        await shop.close()
    }

    @Test("counts a request whose connection was closed as unknown, and comes back")
    func hangUps() async throws {
        let shop = try await FakeShop.open { number in
            number % 3 == 0 ? .hangUp : .answer(status: 200, body: "{}", timing: nil)
        }
        let record = try await Self.drive(shop.target)
        #expect(record.total(.transportError) > 0)
        #expect(record.totals.reduce(0, +) == shop.requests)
        #expect(record.reconnections > 0)
        await shop.close()
    }

    @Test("ends at the drain limit when the server stays silent, and counts what is open as unknown")
    func silence() async throws {
        let shop = try await FakeShop.open { _ in .silence }
        let record = try await Self.drive(shop.target, users: 3, drain: .milliseconds(10))
        #expect(record.total(.transportError) == 3)
        #expect(record.total(.success) == 0)
        await shop.close()
    }

    @Test("never has more requests under way than users")
    func closed() async throws {
        let shop = try await FakeShop.open { _ in .answer(status: 200, body: "{}", timing: nil) }
        let record = try await Self.drive(shop.target, users: 2)
        #expect(record.busyShare <= 1.02 + record.edgeShare)
        await shop.close()
    }

    @Test("says that a server cannot be reached")
    func unreachable() async throws {
        let port = try DeadPort()
        let target = LoadTarget(host: "127.0.0.1", port: port.number)
        let error = await #expect(throws: BenchError.self) { _ = try await Self.drive(target) }
        #expect(error?.exitCode == .unreachable)
        let sentence = "cannot connect to 127.0.0.1:\(port.number): connection refused"
        #expect(error.map { "\($0)" }?.contains(sentence) == true, "\(String(describing: error))")
    }

    @Test("ends when its task is cancelled")
    func cancelled() async throws {
        let shop = try await FakeShop.open { _ in .answer(status: 200, body: "{}", timing: nil) }
        let target = shop.target
        let task = Task { try await Self.drive(target, warmup: .seconds(3600)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        await shop.close()
    }

    /// A load that ended while connections were being opened shut its event loop down under them.
    @Test("leaves no connection open when it is cancelled while they are being opened")
    func cancelledWhileConnecting() async throws {
        let shop = try await FakeShop.open { _ in .answer(status: 200, body: "{}", timing: nil) }
        let target = shop.target
        for _ in 0..<20 {
            let task = Task { try await Self.drive(target, users: 50, warmup: .seconds(3600)) }
            await Task.yield()
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
        }
        try await waitUntil { shop.connections == 0 }
        await shop.close()
    }

    @Test(
        "reads the address that a user types or a server prints",
        arguments: [
            ("http://127.0.0.1:8080", LoadTarget(host: "127.0.0.1", port: 8080) as LoadTarget?),
            ("http://localhost:1/", LoadTarget(host: "localhost", port: 1)),
            ("https://127.0.0.1:1", LoadTarget(host: "127.0.0.1", port: 1)),
            ("http://127.0.0.1", LoadTarget(host: "127.0.0.1", port: 80)),
            ("http://[::1]:81/", LoadTarget(host: "::1", port: 81)),
            ("http://127.0.0.1:0", nil), ("127.0.0.1:1", nil), ("", nil),
        ])
    func address(url: String, target: LoadTarget?) {
        #expect(LoadTarget(naming: url) == target)
    }

    @Test("draws every user's products from the same demand, and counts each product's answers")
    func products() async throws {
        let shop = try await FakeShop.open { _ in .answer(status: 200, body: "{}", timing: Self.timing) }
        let mix = ProductMix(count: 3, skew: 1)
        let buyers = shop.target.buyers(of: [1, 20, 300], tokens: ["a", "b"], mix: mix)
        let (_, progress) = AsyncStream.makeStream(of: LoadProgress.self)
        let plan = LoadPlan(
            warmup: .zero, duration: .milliseconds(300), drain: .seconds(20), products: mix.count)
        let record = try await LoadGenerator.run(shop.target, buyers, plan, progress: progress)
        #expect(record.products.reduce(0) { $0 + $1.success } == record.total(.success))
        #expect(record.products.reduce(0) { $0 + $1.heldMicroseconds } == 2000 * UInt64(shop.requests))
        await shop.close()
    }
}
