import Foundation
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Testing

@Suite("Lease and validity")
struct ValidityTests {
    @Test(
        "9 · an acquire that took longer than its validity fails and leaves no key",
        arguments: StrategyLab.leases)
    func tooSlow(id: StrategyID) async throws {
        try await StrategyLab.run(for: id) { lab in
            let clock = SkippingClock()
            // Each command seems to take 300 ms of the holder's time.
            let lock = try #require(
                try lab.catalogue(clock: clock) { _ in clock.advance(by: .milliseconds(300)) }.lock(id))
            let error = await #expect(throws: StrategyError.self) {
                try await lock.acquire(
                    LockKey("lock:a"), timeToLive: .milliseconds(250), deadline: clock.now + .seconds(60))
            }
            #expect(error?.code == .leaseLost)
            #expect(try await lab.owners(of: LockKey("lock:a")) == [])
        }
    }

    /// Validity = time to live − elapsed − (1 % + 2 ms).
    struct Row: Sendable, CustomTestStringConvertible {
        let timeToLive: Duration
        let elapsed: Duration
        let validity: Duration?

        var testDescription: String { "\(timeToLive) after \(elapsed)" }
    }

    static let rows = [
        Row(timeToLive: .milliseconds(1), elapsed: .zero, validity: nil),
        Row(timeToLive: .milliseconds(2), elapsed: .zero, validity: nil),
        Row(timeToLive: .microseconds(900), elapsed: .zero, validity: nil),
        Row(timeToLive: .zero, elapsed: .zero, validity: nil),
        Row(timeToLive: .seconds(-1), elapsed: .zero, validity: nil),
        Row(timeToLive: .milliseconds(10), elapsed: .milliseconds(1), validity: .microseconds(6_900)),
        Row(timeToLive: .milliseconds(100), elapsed: .milliseconds(50), validity: .milliseconds(47)),
        Row(timeToLive: .seconds(1), elapsed: .milliseconds(200), validity: .milliseconds(788)),
        Row(timeToLive: .seconds(10), elapsed: .zero, validity: .milliseconds(9_898)),
    ]

    @Test(
        "10 · validity is time to live − elapsed − drift; what cannot be positive is refused",
        arguments: StrategyLab.leases, rows)
    func validity(id: StrategyID, row: Row) async throws {
        let clock = SkippingClock()
        let node = ScriptedLockNode(.free)
        let port = ScriptedRedis { [redis = node.redis] call throws(RedisError) in
            clock.advance(by: row.elapsed)
            guard case .command(let words) = call else { return .integer(1) }
            return try await redis.send(RedisCommand(words[0], Array(words.dropFirst())))
        }
        let catalogue = StrategyCatalogue(
            stock: port, lockNodes: [LockNode(name: "a", redis: port)], clock: clock)
        let lock = try #require(try catalogue.lock(id))
        let deadline = clock.now + .seconds(60)
        if let expected = row.validity {
            let outcome = try await lock.acquire(
                LockKey("lock:a"), timeToLive: row.timeToLive, deadline: deadline)
            guard case .granted(let lease, _) = outcome else {
                Issue.record("not granted: \(outcome)")
                return
            }
            let difference = clock.now.duration(to: lease.validUntil) - expected
            #expect(abs(difference / .microseconds(1)) < 1, "off by \(difference)")
        } else {
            let error = await #expect(throws: StrategyError.self) {
                try await lock.acquire(LockKey("lock:a"), timeToLive: row.timeToLive, deadline: deadline)
            }
            #expect(error?.code == .invalidRequest)
            #expect(port.calls.isEmpty)
        }
    }

    @Test(
        "11 · a long wait before success does not shorten the validity (node-redlock #296, #299)",
        arguments: StrategyLab.leases)
    func longWait(id: StrategyID) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            for server in lab.lockServers {
                _ = try await server.send(RedisCommand("SET", key.description, "somebody"))
            }
            let clock = SkippingClock()
            let began = clock.now
            let lock = try #require(
                try lab.catalogue(clock: clock) { count in
                    guard count == 60 else { return }
                    // In a task of its own: the sender may be cancelled already.
                    await Task {
                        for server in lab.lockServers {
                            _ = try? await server.send(RedisCommand("DEL", key.description))
                        }
                    }.value
                }.lock(id))
            let outcome = try await lock.acquire(
                key, timeToLive: .milliseconds(200), deadline: clock.now + .seconds(600))
            guard case .granted(let lease, let evidence) = outcome else {
                Issue.record("not granted: \(outcome)")
                return
            }
            #expect(evidence.attempts > 5)
            #expect(began.duration(to: clock.now) >= evidence.waited)
            // 200 ms − 2 ms − 2 ms, all of it after the wait.
            #expect(clock.now.duration(to: lease.validUntil) >= .milliseconds(195))
        }
    }

    @Test("12 · no code of the library reads the wall clock, so its jumps change nothing")
    func noWallClock() throws {
        let library = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/LockStrategies")
        let wallClocks = ["Date(", "Date.now", "gettimeofday", "CLOCK_REALTIME", "time(nil)", "'TIME'"]
        let files = try #require(FileManager.default.enumerator(at: library, includingPropertiesForKeys: nil))
            .compactMap { $0 as? URL }.filter { ["swift", "lua"].contains($0.pathExtension) }
        #expect(files.count > 10)
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            for name in wallClocks {
                #expect(!text.contains(name), "\(file.lastPathComponent) uses \(name)")
            }
        }
    }

    @Test(
        "13 · a lock key always has a time to live, also when its client was killed",
        arguments: StrategyLab.leases)
    func alwaysExpires(id: StrategyID) async throws {
        try await StrategyLab.run(for: id) { lab in
            let worker = try BuiltProgram.path("lock-worker")
            let process = try await ChildProcess.start(
                worker, ["hold", id.rawValue, "lock:a", "400", "0", lab.urls])
            _ = try #require(await process.line(within: .seconds(60)) { $0 == "held" })
            await process.killNow()
            for server in lab.lockServers {
                let left = try #require(try await server.send(RedisCommand("PTTL", "lock:a")).integer)
                // −2: it has expired already. −1 would be a key for ever.
                #expect(left == -2 || (1...400).contains(left))
            }
            // 15 · and the next waiter gets the lock.
            let lock = try #require(try lab.catalogue().lock(id))
            _ = try await lock.granted(LockKey("lock:a"))
        }
    }

    @Test(
        "14 · extend moves the end of a lease that is held, and never re-creates or steals a key",
        arguments: StrategyLab.leases)
    func extend(id: StrategyID) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.catalogue().lock(id))
            let key = LockKey("lock:a")
            let lease = try await lock.granted(key, timeToLive: .seconds(5))
            guard case .extended(let longer) = try await lock.extend(lease, timeToLive: .seconds(60)) else {
                Issue.record("not extended")
                return
            }
            #expect(longer.validUntil > lease.validUntil && longer.token == lease.token)
            #expect(try await lock.release(longer) == .released)
            #expect(try await lock.extend(longer, timeToLive: .seconds(60)) == .absent)
            #expect(try await lab.owners(of: key) == [])
            let other = try await lock.granted(key)
            #expect(try await lock.extend(longer, timeToLive: .seconds(60)) == .notOwner)
            #expect(try await lock.release(other) == .released)
        }
    }
}
