import Foundation
import LabProcesses
import LockDrivers
import LockStrategies
import RedisClient
import Testing

/// Processes of the driver of docs/DRIVERS.md, on a real Redis.
@Suite("The lock of a driver", .serialized, .timeLimit(.minutes(3)))
struct DriverLockTests {
    private func withLock(
        processes: Int = 2,
        _ body: (DriverLock, DriverFleet, RedisClient) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory()
        let driver = try DriverPage.write(to: folder)
        let mark = ProcessMark()
        try await withRedisServer { redis in
            let fleet = try await DriverFleet.start(
                ["python3", driver], count: processes, redis: [redis.url], environment: mark.environment)
            let client = RedisClient(
                redis.endpoint, limits: .init(connect: .seconds(5), command: .seconds(5)))
            do {
                try await body(DriverLock(fleet), fleet, client)
            } catch {
                Issue.record("\(error)")
            }
            await client.close()
            await fleet.stop()
        }
        #expect(await mark.left == [])
    }

    private func granted(_ outcome: AcquireOutcome) throws -> Lease {
        guard case .granted(let lease, _) = outcome else { throw StrategyError(.timedOut, "\(outcome)") }
        return lease
    }

    @Test("excludes between processes, and gives back what it granted, once")
    func excludes() async throws {
        try await withLock { lock, fleet, _ in
            let key = LockKey("lock:ü \"1\"")
            let before = ContinuousClock.now
            let lease = try granted(
                try await lock.acquire(key, timeToLive: .seconds(10), deadline: .now + .seconds(5)))
            #expect(lease.validUntil > before + .seconds(9) && lease.validUntil < .now + .seconds(10))
            // The next one is asked of the other process.
            guard
                case .contended(let evidence) = try await lock.acquire(
                    key, timeToLive: .seconds(10), deadline: .now)
            else {
                Issue.record("granted twice")
                return
            }
            #expect(evidence.attempts == 1)
            guard case .extended(let longer) = try await lock.extend(lease, timeToLive: .seconds(20)) else {
                Issue.record("not extended")
                return
            }
            #expect(longer.validUntil > lease.validUntil && longer.token == lease.token)
            #expect(try await lock.release(longer) == .released)
            #expect(try await lock.release(longer) == .absent)
            let next = try granted(
                try await lock.acquire(key, timeToLive: .seconds(10), deadline: .now))
            #expect(next.token != lease.token)
            #expect(try await lock.release(lease) == .notOwner)
            #expect(try await lock.extend(lease, timeToLive: .seconds(1)) == .notOwner)
            #expect(try await lock.release(next) == .released)
            #expect(fleet.failure == nil)
        }
    }

    @Test("is cancelled at once, and a grant that comes later is given back")
    func cancelled() async throws {
        try await withLock(processes: 1) { lock, fleet, redis in
            let key = LockKey("lock:cancelled")
            let held = try granted(
                try await lock.acquire(key, timeToLive: .seconds(30), deadline: .now))
            let waiter = Task {
                try await lock.acquire(key, timeToLive: .seconds(30), deadline: .now + .seconds(30))
            }
            while fleet.processes[0].openRequests == 0 { await Task.yield() }
            waiter.cancel()
            await #expect {
                _ = try await waiter.value
            } throws: { ($0 as? StrategyError)?.code == .cancelled }
            #expect(try await lock.release(held) == .released)
            // The driver grants the key to the one that left; it is free again when that one is given back.
            let next = try granted(
                try await lock.acquire(key, timeToLive: .seconds(30), deadline: .now + .seconds(10)))
            #expect(try await lock.release(next) == .released)
            while fleet.processes[0].openRequests > 0 { await Task.yield() }
            #expect(try await redis.send(RedisCommand("EXISTS", key.description)).integer == 0)
        }
    }

    @Test("says unknown for what was under way when its process died, and unavailable for what came later")
    func dies() async throws {
        try await withLock(processes: 1) { lock, fleet, _ in
            let key = LockKey("lock:dies")
            let held = try granted(
                try await lock.acquire(key, timeToLive: .seconds(30), deadline: .now))
            let waiter = Task {
                try await lock.acquire(key, timeToLive: .seconds(30), deadline: .now + .seconds(30))
            }
            while fleet.processes[0].openRequests == 0 { await Task.yield() }
            kill(try #require(fleet.processes[0].processIdentifier), SIGKILL)
            await #expect {
                _ = try await waiter.value
            } throws: { ($0 as? StrategyError)?.code == .outcomeUnknown }
            await #expect {
                _ = try await lock.release(held)
            } throws: { error in
                let error = error as? StrategyError
                return error?.code == .unavailable && error?.context.contains("ended with signal 9") == true
            }
            #expect(fleet.failure?.code == .gone)
        }
    }

    @Test("refuses a time to live below 1 ms, and a lease of another lock")
    func invalid() async throws {
        try await withLock(processes: 1) { lock, _, _ in
            let lease = Lease(
                key: LockKey("a"), token: LeaseToken(random: .system), fence: nil, validUntil: .now)
            await #expect {
                _ = try await lock.acquire(LockKey("a"), timeToLive: .microseconds(10), deadline: .now)
            } throws: { ($0 as? StrategyError)?.code == .invalidRequest }
            await #expect {
                _ = try await lock.release(lease)
            } throws: { ($0 as? StrategyError)?.code == .invalidRequest }
        }
    }
}
