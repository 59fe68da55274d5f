import Foundation
import LabProcesses
import LabTesting
import LockStrategies
import RedisClient
import Synchronization
import Testing

@Suite("Lease and validity")
struct ValidityTests {
    @Test(
        "9 · an acquire that took longer than its validity fails and leaves no key",
        arguments: StrategyLab.leases)
    func tooSlow(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let clock = SkippingClock()
            // Each command seems to take 300 ms of the holder's time.
            let lock = try #require(
                try lab.builder(clock: clock) { _ in clock.advance(by: .milliseconds(300)) }.lock(id))
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
        enum Expected: Sendable {
            case granted(validity: Duration)
            /// Granted by the servers when nothing of the validity was left.
            case late
            case refused
        }

        let timeToLive: Duration
        let elapsed: Duration
        let expected: Expected

        init(_ timeToLive: Duration, after elapsed: Duration = .zero, _ expected: Expected) {
            self.timeToLive = timeToLive
            self.elapsed = elapsed
            self.expected = expected
        }

        var testDescription: String { "\(timeToLive) after \(elapsed)" }
    }

    static let rows = [
        Row(.milliseconds(1), .refused),
        Row(.milliseconds(2), .refused),
        Row(.microseconds(900), .refused),
        Row(.zero, .refused),
        Row(.seconds(-1), .refused),
        Row(.milliseconds(10), after: .milliseconds(1), .granted(validity: .microseconds(6_900))),
        Row(.milliseconds(100), after: .milliseconds(50), .granted(validity: .milliseconds(47))),
        Row(.seconds(1), after: .milliseconds(200), .granted(validity: .milliseconds(788))),
        Row(.seconds(10), .granted(validity: .milliseconds(9_898))),
        // Just above nothing, nothing, just below.
        Row(.milliseconds(100), after: .microseconds(96_990), .granted(validity: .microseconds(10))),
        Row(.milliseconds(100), after: .milliseconds(97), .late),
        Row(.milliseconds(100), after: .microseconds(97_010), .late),
        Row(.seconds(10), after: .milliseconds(9_897), .granted(validity: .milliseconds(1))),
        Row(.seconds(10), after: .milliseconds(9_898), .late),
        Row(.seconds(10), after: .milliseconds(9_899), .late),
    ]

    @Test(
        "10 · validity is time to live − elapsed − drift; a grant without any is given back",
        arguments: StrategyLab.leases, rows)
    func validity(id: StrategyEntry, row: Row) async throws {
        let clock = SkippingClock()
        let node = ScriptedLockNode(.free)
        let port = ScriptedRedis { [redis = node.redis] call throws(RedisError) in
            clock.advance(by: row.elapsed)
            guard case .command(let words) = call else { return .integer(1) }
            return try await redis.send(RedisCommand(words[0], Array(words.dropFirst())))
        }
        let builder = StrategyBuilder(
            stock: port, lockNodes: [LockNode(name: "a", redis: port)], clock: clock)
        let lock = try #require(try builder.lock(id))
        let deadline = clock.now + .seconds(60)
        switch row.expected {
        case .granted(let expected):
            let outcome = try await lock.acquire(
                LockKey("lock:a"), timeToLive: row.timeToLive, deadline: deadline)
            guard case .granted(let lease, _) = outcome else {
                Issue.record("not granted: \(outcome)")
                return
            }
            let difference = clock.now.duration(to: lease.validUntil) - expected
            #expect(abs(difference / .microseconds(1)) < 1, "off by \(difference)")
        case .late:
            let error = await #expect(throws: StrategyError.self) {
                try await lock.acquire(LockKey("lock:a"), timeToLive: row.timeToLive, deadline: deadline)
            }
            #expect(error?.code == .leaseLost)
            #expect(port.calls.map(\.isAcquire) == [true, false])
            #expect(port.calls.last?.name == "EVAL")
            #expect(node.keys.isEmpty)
        case .refused:
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
    func longWait(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            for server in lab.lockServers {
                _ = try await server.send(RedisCommand("SET", key.description, "somebody"))
            }
            let clock = SkippingClock()
            let began = clock.now
            let lock = try #require(
                try lab.builder(clock: clock) { count in
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

    @Test(
        "12 · no source of the locks or of their client names a wall clock or an absolute expiry",
        arguments: ["LockStrategies", "RedisClient"])
    func noWallClock(library: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/\(library)")
        let clocks = [
            "Date(", "Date.now", "gettimeofday", "clock_gettime", "CLOCK_REALTIME", "time(nil)",
        ]
        // Of Redis, which takes them in any case. The client passes on what it is told.
        let commands =
            library == "RedisClient"
            ? []
            : ["'time'", "\"time\"", "pxat", "exat", "expireat", "expiretime"]
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
            .compactMap { $0 as? URL }.filter { ["swift", "lua"].contains($0.pathExtension) }
        #expect(files.count > 10)
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            let lowercase = text.lowercased()
            let found = clocks.filter { text.contains($0) } + commands.filter { lowercase.contains($0) }
            #expect(found == [], "\(file.lastPathComponent)")
        }
    }

    @Test(
        "13 · a lock key has a time to live when its client was killed",
        arguments: StrategyLab.leases)
    func expiresAfterKill(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let worker = try BuiltProgram.path("lock-worker")
            let process = try await ChildProcess.start(
                worker, ["hold", id.name, "lock:a", "5000", "0", lab.urls])
            _ = try #require(await process.line(within: .seconds(60)) { $0 == "held" })
            await process.killNow()
            var times: [Int64] = []
            for server in lab.lockServers {
                times.append(try #require(try await server.send(RedisCommand("PTTL", "lock:a")).integer))
            }
            // −1 would be a key for ever. −2, no key, only where a majority granted without this node.
            let held = times.filter { (0...5_000).contains($0) }
            #expect(times.allSatisfy { $0 == -2 || (0...5_000).contains($0) }, "\(times)")
            #expect(held.count >= lab.lockServers.count / 2 + 1, "\(times)")
            // 15 · and the next waiter gets the lock.
            let lock = try #require(try lab.builder().lock(id))
            _ = try await lock.granted(LockKey("lock:a"))
        }
    }

    @Test(
        "13 · a key is only ever made by one command that sets its time to live too",
        arguments: StrategyLab.leases, ScriptedLockNode.Behaviour.allCases)
    func oneCommandMakesTheKey(id: StrategyEntry, behaviour: ScriptedLockNode.Behaviour) async throws {
        let clock = SkippingClock()
        let port = ScriptedLockNode(behaviour).redis
        let lock = try #require(
            try StrategyBuilder(
                stock: port, lockNodes: [LockNode(name: "a", redis: port)], clock: clock
            ).lock(id))
        let outcome = try? await lock.acquire(
            LockKey("lock:a"), timeToLive: .milliseconds(1_234), deadline: clock.now + .milliseconds(50))
        if case .granted(let lease, _)? = outcome {
            _ = try await lock.extend(lease, timeToLive: .seconds(5))
            _ = try await lock.release(lease)
        }
        #expect(port.calls.contains { $0.isAcquire })
        for call in port.calls {
            switch call {
            case .command(let words) where words[0] == "SET":
                #expect(words.count == 6 && words[1] == "lock:a" && words[3...] == ["NX", "PX", "1234"])
            case .command(let words) where words[0].hasSuffix("SUBSCRIBE"):
                break
            case .command(let words):
                // The clean-up, which deletes.
                #expect(words[0] == "EVAL" && !words[1].lowercased().contains("'set"))
            case .script(_, let keys, let arguments) where call.isAcquire:
                #expect(keys[0] == "lock:a" && arguments.contains("1234"))
            case .script(let name, _, _):
                #expect(name.hasPrefix("release-") || name.hasPrefix("extend-"))
            }
        }
    }

    @Test(
        "13 · at no moment between two commands is there a key without a time to live",
        arguments: StrategyLab.leases)
    func alwaysExpires(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let key = LockKey("lock:a")
            let seen = Mutex<[Int64]>([])
            let look: @Sendable () async -> Void = {
                // In a task of its own: the sender may be cancelled already.
                let times = await Task {
                    var times: [Int64] = []
                    for server in lab.lockServers {
                        let left = try? await server.send(RedisCommand("PTTL", key.description)).integer
                        times.append(left ?? -1)
                    }
                    return times
                }.value
                seen.withLock { $0 += times }
            }
            let clock = SkippingClock()
            let lock = try #require(try lab.builder(clock: clock) { _ in await look() }.lock(id))
            let lease = try await lock.granted(key, timeToLive: .seconds(600))
            let contended = try await lock.acquire(
                key, timeToLive: .seconds(600), deadline: clock.now + .milliseconds(50))
            guard case .contended = contended,
                case .extended = try await lock.extend(lease, timeToLive: .seconds(900))
            else {
                Issue.record("\(contended)")
                return
            }
            await look()
            #expect(try await lock.release(lease) == .released)
            // Granted too late, so taken back.
            let late = try #require(
                try lab.builder(clock: clock) { _ in
                    clock.advance(by: .seconds(700))
                    await look()
                }.lock(id))
            await #expect(throws: StrategyError.self) {
                try await late.granted(key, timeToLive: .seconds(600))
            }
            await look()
            let times = seen.withLock { $0 }
            #expect(!times.contains(-1), "\(times)")
            // There was a key to look at.
            #expect(times.contains { $0 > 600_000 } && times.contains { (1...600_000).contains($0) })
        }
    }

    @Test(
        "14 · extend moves the end of a lease that is held, and never re-creates or steals a key",
        arguments: StrategyLab.leases)
    func extend(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
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
