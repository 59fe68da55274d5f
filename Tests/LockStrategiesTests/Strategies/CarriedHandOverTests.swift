import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Testing

@testable import LockStrategies

/// A hand-over takes the write before it and the read for the heir along.
@Suite("setnx-notify · what a hand-over carries", .timeLimit(.minutes(10)))
struct CarriedHandOverTests {
    private static let product = ProductID(1)
    private static let key = ProductKeys(product).lock
    private static let long = Duration.seconds(3600)

    /// A lock, and purchases under it, over one port.
    private struct Shop<Port: RedisPort, C: MonotonicClock>: Sendable {
        let lock: NotifyLock<Port, C>
        let strategy: GuardedDecrement<NotifyLock<Port, C>, Port, C>
        let clock: C

        init(_ port: Port, clock: C) {
            lock = NotifyLock(
                redis: port, clock: clock, random: .system,
                retry: RetryPolicy(delay: .fixed(CarriedHandOverTests.long)),
                validity: LeaseValidity())
            strategy = GuardedDecrement(lock: lock, redis: port, clock: clock, timeToLive: .seconds(600))
            self.clock = clock
        }

        /// Buyers in line behind a holder of this process, who then releases.
        func buyers(
            _ count: Int, of quantity: Int = 1
        ) async throws -> [Task<Result<ReserveOutcome, StrategyError>, Never>] {
            let holder = try await lock.granted(
                CarriedHandOverTests.key, timeToLive: CarriedHandOverTests.long,
                within: CarriedHandOverTests.long)
            var tasks: [Task<Result<ReserveOutcome, StrategyError>, Never>] = []
            for place in 1...count {
                let reservation = Reservation(
                    id: ReservationID(random: .system), product: CarriedHandOverTests.product,
                    quantity: quantity,
                    deadline: clock.now + CarriedHandOverTests.long)
                tasks.append(
                    Task {
                        do throws(StrategyError) {
                            return .success(try await strategy.reserve(reservation))
                        } catch {
                            return .failure(error)
                        }
                    })
                try await waitUntil { lock.waitingCount(of: CarriedHandOverTests.key) == place }
            }
            #expect(try await lock.release(holder) == .released)
            return tasks
        }
    }

    private static func client(_ lab: StrategyLab) -> RedisClient {
        RedisClient(lab.server.endpoint, limits: StrategyLab.patient)
    }

    @Test(
        "36, 42 · in a chain of hand-overs a purchase is one command, and so is one that finds too few units")
    func chain() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            try await lab.setStock(10, of: Self.product)
            let sent = Recorder<String>()
            let shop = Shop(HookedPort(Self.client(lab)) { sent.note($0) }, clock: ContinuousClock())
            // Scripts are known from now on.
            for task in try await shop.buyers(2) { _ = try await task.value.get() }
            for task in try await shop.buyers(1, of: 50) { _ = try await task.value.get() }
            let before = sent.values.count
            for (place, task) in try await shop.buyers(3).enumerated() {
                let outcome = try await task.value.get()
                #expect(outcome.decision == .reserved(remaining: 7 - place, fence: nil))
                #expect(outcome.evidence.commandsSent == 1 && outcome.evidence.attempts == 1)
            }
            for task in try await shop.buyers(2, of: 50) {
                let outcome = try await task.value.get()
                #expect(outcome.decision == .soldOut(remaining: 5))
                #expect(outcome.evidence.commandsSent == 1)
            }
            #expect(
                Array(sent.values.dropFirst(before)) == [
                    "acquire-or-remaining", "hand-over-lock+read-stock",
                    "write-stock+hand-over-lock+read-stock", "write-stock+hand-over-lock+read-stock",
                    "write-stock+release-and-tell", "acquire-or-remaining", "hand-over-lock+read-stock",
                    "hand-over-lock+read-stock", "release-and-tell",
                ])
            #expect(try await lab.owners(of: Self.key) == [])
            #expect(try await lab.readStock(Self.product) == 5)
        }
    }

    @Test("24, 42 · write and hand-over carried out, reply lost: unknown is said, and the next gets the lock")
    func replyLost() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            try await lab.setStock(10, of: Self.product)
            let port = lab.server.port
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: StrategyLab.patient)
            let shop = Shop(client, clock: ContinuousClock())
            // Redis knows the scripts from now on.
            for task in try await shop.buyers(2) { _ = try await task.value.get() }
            // The replies to the holder's request and to his release; the third is that of the write.
            proxy.set(.cutReply(after: 2))
            let tasks = try await shop.buyers(2)
            let first = await tasks[0].value
            #expect(first.failure?.code == .outcomeUnknown)
            #expect(first.failure?.evidence.failedReleases == 1)
            // With leases of ten minutes: he does not wait for the end of one.
            #expect(try await tasks[1].value.get().isReserved)
            #expect(try await lab.readStock(Self.product) == 6)
            #expect(try await lab.owners(of: Self.key) == [])
            await client.close()
            await proxy.stop()
        }
    }

    /// A stock of five units as read-stock shows it.
    private static let five = RESPValue.array([
        .bulkString(Array("5".utf8)), .null, .bulkString([]),
    ])

    /// A Redis that grants and hands over, and answers a write with a hand-over as told.
    private static func scripted(
        _ write: @escaping @Sendable () throws(RedisError) -> RESPValue
    ) -> ScriptedRedis {
        ScriptedRedis { call throws(RedisError) in
            switch call.name {
            case "write-stock+hand-over-lock+read-stock": try write()
            case "hand-over-lock+read-stock": .array([.integer(1), five])
            case "write-stock+release-and-tell":
                .array([.array([.integer(1), .integer(3)]), .integer(1)])
            // The holder's token is still there.
            case "EVAL": .integer(-1)
            default: .integer(1)
            }
        }
    }

    @Test("42 · write and hand-over without a reply: the holder's token stays, the write may be under way")
    func underWay() async throws {
        let redis = Self.scripted { () throws(RedisError) in throw RedisError(.outcomeUnknown, "no reply") }
        let shop = Shop(redis, clock: ContinuousClock())
        let tasks = try await shop.buyers(2)
        let first = await tasks[0].value
        #expect(first.failure?.code == .outcomeUnknown)
        // The write, and the question whether the heir's token is there.
        #expect(first.failure?.evidence.commandsSent == 2)
        // Nobody was handed the lock, and nobody asks before the lease has ended.
        #expect(shop.lock.waitingCount(of: Self.key) == 1)
        tasks[1].cancel()
        #expect(await tasks[1].value.failure?.code == .cancelled)
        var tokens: [String] = []
        for call in redis.calls {
            switch call {
            case .script("hand-over-lock+read-stock", _, let arguments): tokens.append(arguments[1])
            case .command(let words) where words[0] == "EVAL": tokens += words.dropFirst(4)
            default: break
            }
        }
        #expect(tokens.count == 2 && Set(tokens).count == 2, "the holder's token, then the heir's alone")
    }

    @Test("20 · a hand-over that fails behind its write is made up for, and the units are sold")
    func failedHandOver() async throws {
        let redis = Self.scripted { () throws(RedisError) in
            .array([.array([.integer(1), .integer(4)]), .null])
        }
        let tasks = try await Shop(redis, clock: ContinuousClock()).buyers(2)
        let first = try await tasks[0].value.get()
        #expect(first.decision == .reserved(remaining: 4, fence: nil))
        #expect(first.evidence.commandsSent == 2 && first.evidence.failedReleases == 0)
        #expect(try await tasks[1].value.get().isReserved)
    }

    @Test("9 · a lease that has ended before its write: nothing is written, and the lock is handed on")
    func leaseEnded() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            try await lab.setStock(10, of: Self.product)
            let clock = ManualClock()
            let port = HookedPort(Self.client(lab)) { name in
                if name == "write-stock+hand-over-lock+read-stock" { clock.advance(by: .seconds(700)) }
            }
            let tasks = try await Shop(port, clock: clock).buyers(2)
            #expect(await tasks[0].value.failure?.code == .leaseLost)
            #expect(try await tasks[1].value.get().decision == .reserved(remaining: 9, fence: nil))
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("19 · cancelled while write and hand-over are under way to it: the units are sold, no key is left")
    func cancelledHeir() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            try await lab.setStock(10, of: Self.product)
            let gate = Gate()
            let port = HookedPort(Self.client(lab)) { name in
                if name == "write-stock+hand-over-lock+read-stock" { await gate.pass() }
            }
            let tasks = try await Shop(port, clock: ContinuousClock()).buyers(2)
            await gate.reached()
            tasks[1].cancel()
            #expect(await tasks[1].value.failure?.code == .cancelled)
            gate.open()
            #expect(try await tasks[0].value.get().isReserved)
            #expect(try await lab.owners(of: Self.key) == [])
            #expect(try await lab.readStock(Self.product) == 9)
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
