import BenchLoad
import BenchModel
import Histogram
import LabTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite("The load by calls", .timeLimit(.minutes(10)))
struct DirectLoadTests {
    private static func drive(
        users: Int = 4, warmup: Duration = .milliseconds(20), drain: Duration = .seconds(20),
        buy: @escaping @Sendable (Int) async -> DirectAnswer
    ) async throws -> LoadRecord {
        let (_, progress) = AsyncStream.makeStream(of: LoadProgress.self)
        let wishes = (0..<users).map { ProductMix.Wishes(.one, seed: 1, user: $0) }
        return try await DirectLoad.run(
            wishes, LoadPlan(warmup: warmup, duration: .milliseconds(300), drain: drain),
            progress: progress
        ) { user, product in
            precondition(product == 0, "there is one product")
            // A purchase always waits for something; a user that never waits would leave no thread to others.
            await Task.yield()
            return await buy(user)
        }
    }

    @Test("counts as many answers as there were calls, each user's with its timing")
    func counts() async throws {
        let calls = Mutex(0)
        var timing = ServerTiming()
        timing.attempts = 3
        timing.holdMicroseconds = 7
        let answer = DirectAnswer(outcome: .success, timing: timing)
        let record = try await Self.drive { _ in
            calls.withLock { $0 += 1 }
            return answer
        }
        #expect(record.total(.success) == calls.withLock { $0 })
        #expect(record.measured(.success) > 0)
        #expect(record.userSuccesses.allSatisfy { $0 > 0 })
        #expect(record.attempts.max == 3)
        #expect(record.hold.max == 7)
    }

    @Test("runs each user on one event loop, as a server its connection, and spreads them over all loops")
    func loops() async throws {
        let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
        let places = Mutex([Set<Int?>](repeating: [], count: 2 * loops.count))
        _ = try await Self.drive(users: 2 * loops.count) { user in
            let place = loops.firstIndex { $0.inEventLoop }
            _ = places.withLock { $0[user].insert(place) }
            return DirectAnswer(outcome: .success)
        }
        #expect(places.withLock { $0 }.allSatisfy { $0.count == 1 })
        #expect(Set(places.withLock { $0 }.joined()) == Set(loops.indices.map { $0 }))
    }

    @Test("is closed: every user always has exactly one purchase under way")
    func closed() async throws {
        let underWay = Mutex([Int](repeating: 0, count: 3))
        let most = Mutex(0)
        let record = try await Self.drive(users: 3) { user in
            let count = underWay.withLock { counts in
                counts[user] += 1
                return counts[user]
            }
            most.withLock { $0 = max($0, count) }
            await Task.yield()
            underWay.withLock { $0[user] -= 1 }
            return DirectAnswer(outcome: .success)
        }
        #expect(most.withLock { $0 } == 1)
        // A user can be between two purchases, but not in two of them.
        #expect(record.busyShare - record.edgeShare <= 1.000_001, "\(record.busyShare), \(record.edgeShare)")
    }

    @Test("keeps outcomes apart")
    func outcomes() async throws {
        let record = try await Self.drive(users: BuyerOutcome.allCases.count) { user in
            DirectAnswer(outcome: BuyerOutcome.allCases[user])
        }
        #expect(BuyerOutcome.allCases.allSatisfy { record.total($0) > 0 })
        #expect(record.userSuccesses.filter { $0 > 0 }.count == 1)
    }

    @Test("ends at the drain limit when a purchase is never answered, and counts it as unknown")
    func silence() async throws {
        let gate = Gate()
        let record = try await Self.drive(users: 3, drain: .seconds(1)) { user in
            // Deaf to cancellation.
            if user == 0 { await Task { await gate.pass() }.value }
            return DirectAnswer(outcome: .success)
        }
        #expect(record.total(.transportError) == 1)
        #expect(record.userSuccesses[0] == 0)
        gate.open()
    }

    @Test("ends when its task is cancelled")
    func cancelled() async throws {
        let task = Task {
            try await Self.drive(warmup: .seconds(3600)) { _ in DirectAnswer(outcome: .success) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    @Test("ends after the drain when its task is cancelled and a purchase is never answered")
    func cancelledInSilence() async throws {
        let gate = Gate()
        let task = Task {
            try await Self.drive(warmup: .seconds(3600), drain: .milliseconds(10)) { _ in
                await Task { await gate.pass() }.value
                return DirectAnswer(outcome: .success)
            }
        }
        await gate.reached(by: 4)
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        gate.open()
    }
}
