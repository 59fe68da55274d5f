import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import LockStrategies

/// A lock that goes from one task of a process to the next in the command of the release, on a real Redis.
@Suite("setnx-notify · hand-over", .timeLimit(.minutes(10)))
struct HandOverTests {
    private static let key = LockKey("lock:a")
    private static let long = Duration.seconds(3600)
    private static let never = RetryPolicy(delay: .fixed(long))
    /// Far above what any machine needs: who is forgotten in the line says so after it.
    private static let patience = Duration.seconds(30)

    private static func lock<Port: RedisPort>(_ port: Port) -> NotifyLock<Port, ContinuousClock> {
        NotifyLock(
            redis: port, clock: ContinuousClock(), random: .system, retry: never, validity: LeaseValidity())
    }

    private static func client(_ lab: StrategyLab) -> RedisClient {
        RedisClient(lab.server.endpoint, limits: StrategyLab.patient)
    }

    /// Tasks that take the lock, note their number and give it back, in line in the order of their numbers.
    private static func line<Port: RedisPort>(
        _ lock: NotifyLock<Port, ContinuousClock>, of count: Int, noting order: Recorder<Int>
    ) async throws -> [Task<Void, any Error>] {
        var tasks: [Task<Void, any Error>] = []
        for index in 0..<count {
            tasks.append(
                Task {
                    let lease = try await lock.granted(key, timeToLive: long, within: patience)
                    order.note(index)
                    _ = try await lock.release(lease)
                })
            try await waitUntil { lock.waitingCount(of: key) == index + 1 }
        }
        return tasks
    }

    @Test("36 · a release hands the lock on in arrival order, and every 17th is a real one")
    func order() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let sent = Recorder<String>()
            let lock = Self.lock(HookedPort(Self.client(lab)) { sent.note($0) })
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let order = Recorder<Int>()
            let tasks = try await Self.line(lock, of: 40, noting: order)
            #expect(try await lock.release(first) == .released)
            for task in tasks { try await task.value }
            #expect(order.values == Array(0..<40))
            // No try of a waiter but after a real release: 41 holders, of whom each 17th hands nothing on.
            #expect(sent.values.filter { $0 == "hand-over-lock" }.count == 38)
            #expect(sent.values.filter { $0 == "release-and-tell" }.count == 3)
            #expect(sent.values.filter { $0 == "acquire-or-remaining" }.count == 3)
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("36 · a long line in one process does not keep another process out")
    func otherProcess() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let gate = Gate()
            let asked = Recorder<String>()
            // The first try of a waiter of this process comes after the real release; it is held back until
            // the other process has had its turn, so the order of two messages decides nothing.
            let lock = Self.lock(
                HookedPort(Self.client(lab)) { name in
                    guard name == "acquire-or-remaining" else { return }
                    asked.note(name)
                    if asked.values.count > 1 { await gate.pass() }
                })
            let other = Self.lock(Self.client(lab))
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let order = Recorder<Int>()
            let tasks = try await Self.line(lock, of: 30, noting: order)
            let outside = Task {
                try await other.granted(Self.key, timeToLive: Self.long, within: Self.long)
            }
            try await waitUntil {
                let reply = try await lab.stock.send(
                    RedisCommand("PUBSUB", "NUMSUB", "\(Self.key):released"))
                return reply.array?.last?.integer == 1
            }
            #expect(try await lock.release(first) == .released)
            let lease = try await outside.value
            #expect(order.values.count <= WaitingLine.longestChain)
            #expect(try await other.release(lease) == .released)
            gate.open()
            for task in tasks { try await task.value }
            #expect(order.values == Array(0..<30))
        }
    }

    @Test("19 · cancelled while the lock is handed to it: no key is left, and the next is served")
    func cancelledDuringHandOver() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let gate = Gate()
            let lock = Self.lock(
                HookedPort(Self.client(lab)) { name in
                    if name == "hand-over-lock" { await gate.pass() }
                })
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let tasks = try await Self.line(lock, of: 2, noting: Recorder())
            let release = Task { try await lock.release(first) }
            await gate.reached()
            tasks[0].cancel()
            // It returns at once, although the command is still to be sent.
            let error = await #expect(throws: StrategyError.self) { try await tasks[0].value }
            #expect(error?.code == .cancelled)
            gate.open()
            #expect(try await release.value == .released)
            try await tasks[1].value
            #expect(try await lab.owners(of: Self.key) == [])
            #expect(lock.waitingCount(of: Self.key) == 0)
        }
    }

    @Test(
        "19 · cancelled beside its hand-over, at whatever moment: no key is left",
        arguments: Array(stride(from: 0, to: 100, by: 5)))
    func cancelledBesideHandOver(round: Int) async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let lock = Self.lock(Self.client(lab))
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let tasks = try await Self.line(lock, of: 3, noting: Recorder())
            let release = Task { try await lock.release(first) }
            for _ in 0..<round { await Task.yield() }
            tasks[0].cancel()
            #expect(try await release.value == .released)
            _ = await tasks[0].result
            for task in tasks.dropFirst() { try await task.value }
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test(
        "19 · cancelled after it was handed the lock and before it has seen it: the lock goes on to the next")
    func cancelledBeforeItIsSeen() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let lock = Self.lock(Self.client(lab))
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let executor = HoldableExecutor()
            let heir = Task(executorPreference: executor) {
                try await lock.granted(Self.key, timeToLive: Self.long, within: Self.patience)
            }
            try await waitUntil { lock.waitingCount(of: Self.key) == 1 }
            let next = Task {
                try await lock.granted(Self.key, timeToLive: Self.long, within: Self.patience)
            }
            try await waitUntil { lock.waitingCount(of: Self.key) == 2 }
            // The heir can do nothing while the lock becomes its own and it is cancelled.
            executor.hold()
            #expect(try await lock.release(first) == .released)
            heir.cancel()
            executor.goOn()
            let error = await #expect(throws: StrategyError.self) { try await heir.value }
            #expect(error?.code == .cancelled)
            let second = try await next.value
            #expect(try await lab.owners(of: Self.key) == [second.token.description])
            #expect(try await lock.release(second) == .released)
        }
    }

    @Test(
        "24 · the reply of a hand-over is lost: neither of the two keeps the lock, and the next one gets it")
    func replyLost() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let port = lab.server.port
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: StrategyLab.patient)
            let lock = Self.lock(client)
            // Redis knows the scripts from now on: the reply that is cut is that of the hand-over.
            let warm = try await lock.granted(Self.key, timeToLive: Self.long)
            let warmed = try await Self.line(lock, of: 1, noting: Recorder())
            _ = try await lock.release(warm)
            for task in warmed { try await task.value }

            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let order = Recorder<Int>()
            let tasks = try await Self.line(lock, of: 3, noting: order)
            proxy.set(.cutNextReply)
            let error = await #expect(throws: StrategyError.self) { try await lock.release(first) }
            #expect(error?.code == .outcomeUnknown)
            // With leases of an hour: nobody waits for the end of one.
            for task in tasks { try await task.value }
            #expect(order.values == [0, 1, 2])
            #expect(try await lab.owners(of: Self.key) == [])
            #expect(try await lock.release(first) == .absent)
            await client.close()
            await proxy.stop()
        }
    }

    @Test(
        "5 · a lease that has ended is handed to nobody: the release says so, and the waiter asks for itself")
    func ownLeaseEnded() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            for isTaken in [false, true] {
                let lock = Self.lock(Self.client(lab))
                let first = try await lock.granted(Self.key, timeToLive: Self.long)
                let waiting = Task {
                    try await lock.granted(Self.key, timeToLive: Self.long, within: Self.long)
                }
                try await waitUntil { lock.waitingCount(of: Self.key) == 1 }
                _ = try await lab.stock.send(RedisCommand("DEL", Self.key.description))
                let other = Self.lock(Self.client(lab))
                let foreign = isTaken ? try await other.granted(Self.key, timeToLive: Self.long) : nil
                #expect(try await lock.release(first) == (isTaken ? .notOwner : .absent))
                if let foreign {
                    #expect(try await lab.owners(of: Self.key) == [foreign.token.description])
                    #expect(try await other.release(foreign) == .released)
                }
                let second = try await waiting.value
                #expect(try await lab.owners(of: Self.key) == [second.token.description])
                #expect(try await lock.release(second) == .released)
            }
        }
    }

    @Test("28 · a Redis that is full takes no next owner, but the lock is given back all the same")
    func fullRedis() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let lock = Self.lock(Self.client(lab))
            let first = try await lock.granted(Self.key, timeToLive: Self.long)
            let tasks = try await Self.line(lock, of: 1, noting: Recorder())
            _ = try await lab.stock.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
            #expect(try await lock.release(first) == .released)
            #expect(try await lab.owners(of: Self.key) == [])
            // The waiter asks, and hears what is wrong.
            let error = await #expect(throws: StrategyError.self) { try await tasks[0].value }
            #expect(error?.code == .refused)
        }
    }

    @Test(
        "9, 13 · what is handed over lives and is valid for as long as its new owner asked for, or is given back",
        arguments: [5, 700])
    func validity(secondsUnderWay: Int) async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let clock = ManualClock()
            let port = HookedPort(Self.client(lab)) { name in
                if name == "hand-over-lock" { clock.advance(by: .seconds(secondsUnderWay)) }
            }
            let lock = NotifyLock(
                redis: port, clock: clock, random: .system, retry: Self.never, validity: LeaseValidity())
            let first = try await lock.granted(Self.key, timeToLive: Self.long, within: Self.long)
            let waiting = Task {
                try await lock.granted(Self.key, timeToLive: .seconds(600), within: Self.long)
            }
            try await waitUntil { lock.waitingCount(of: Self.key) == 1 }
            #expect(try await lock.release(first) == .released)
            if secondsUnderWay < 600 {
                let second = try await waiting.value
                // 600 s − 5 s under way − 6 s and 2 ms of drift.
                let left = clock.now.duration(to: second.validUntil)
                #expect(abs((left - .milliseconds(588_998)) / .microseconds(1)) < 1, "\(left)")
                let reply = try await lab.stock.send(RedisCommand("PTTL", Self.key.description))
                let live = try #require(reply.integer)
                #expect((1...600_000).contains(live))
                #expect(try await lock.release(second) == .released)
            } else {
                let error = await #expect(throws: StrategyError.self) { try await waiting.value }
                #expect(error?.code == .leaseLost)
            }
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }
}
