import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@Suite("15 · The holder dies")
struct HolderKilledTests {
    @Test(
        "15 · the holder is killed: the waiter gets the lock, and not before the time to live has passed",
        arguments: StrategyLab.leases)
    func killed(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let began = ContinuousClock.now
            let holder = try await ChildProcess.start(
                try BuiltProgram.path("lock-worker"),
                ["hold", id.name, "lock:a", "1500", "0", lab.urls])
            _ = try #require(await holder.line(within: .seconds(60)) { $0 == "held" })
            await holder.killNow()
            let lock = try #require(try lab.builder().lock(id))
            let lease = try await lock.granted(LockKey("lock:a"), within: .seconds(600))
            #expect(began.duration(to: .now) >= .milliseconds(1_500))
            #expect(try await lock.release(lease) == .released)
        }
    }

    @Test(
        "15 · once a dead holder's key has expired, the waiter has the lock after one more pause at most",
        arguments: StrategyLab.leases)
    func onePoll(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            for server in lab.lockServers {
                _ = try await server.send(
                    RedisCommand("SET", key.description, "dead", "PX", "600000"))
            }
            let clock = SkippingClock()
            let sleepsBefore = Mutex<Int?>(nil)
            let lock = try #require(
                try lab.builder(clock: clock) { count in
                    guard count == 40 else { return }
                    // The keys expire on all servers. In a task of its own: the sender may be cancelled.
                    await Task {
                        for server in lab.lockServers {
                            _ = try? await server.send(RedisCommand("DEL", key.description))
                        }
                    }.value
                    sleepsBefore.withLock { $0 = clock.sleeps.count }
                }.lock(id))
            let outcome = try await lock.acquire(
                key, timeToLive: .seconds(600), deadline: clock.now + .seconds(600))
            guard case .granted = outcome else {
                Issue.record("\(outcome)")
                return
            }
            let before = try #require(sleepsBefore.withLock { $0 })
            #expect(before > 0)
            #expect(clock.sleeps.count - before <= 1)
        }
    }
}
