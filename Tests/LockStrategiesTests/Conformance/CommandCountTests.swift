import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// Clause 42 where what is sent is not what is usual: scripts that Redis does not know, votes that are not
/// asked for any more, servers that are not there.
@Suite("Commands that were sent")
struct CommandCountTests {
    private static let product = ProductID(1)

    /// Does something before each call of one name.
    private final class Before: Sendable {
        private let plan = Mutex<(name: String, act: @Sendable () async -> Void)?>(nil)

        func each(_ name: String, _ act: @escaping @Sendable () async -> Void) {
            plan.withLock { $0 = (name, act) }
        }

        func call(_ name: String) async {
            guard let (expected, act) = plan.withLock({ $0 }), name.hasPrefix(expected) else { return }
            await act()
        }
    }

    /// Redlock asks one node here: of several, one that is late is not asked once a majority has answered.
    private static func builder(
        _ lab: StrategyLab, _ before: Before
    ) -> StrategyBuilder<HookedPort<RedisClient>, ContinuousClock> {
        func port(_ server: RedisEndpoint) -> HookedPort<RedisClient> {
            HookedPort(RedisClient(server, limits: StrategyLab.patient)) { await before.call($0) }
        }
        return StrategyBuilder(
            stock: port(lab.server.endpoint),
            lockNodes: lab.nodes.prefix(1).map { LockNode(name: $0.url, redis: port($0.endpoint)) },
            clock: ContinuousClock())
    }

    private static func forgetScripts(_ lab: StrategyLab) async {
        for client in lab.lockServers { _ = try? await client.send(RedisCommand("SCRIPT", "FLUSH")) }
    }

    private static func reservation(within limit: Duration = .seconds(600)) -> Reservation {
        Reservation(
            id: ReservationID(random: .system), product: product, quantity: 1,
            deadline: ContinuousClock.now + limit)
    }

    @Test(
        "26, 42 · a release by a script that Redis has forgotten counts as the two commands that it takes",
        arguments: StrategyLab.leases)
    func forgottenBeforeRelease(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let before = Before()
            let strategy = try Self.builder(lab, before).strategy(id)
            try await lab.setStock(10, of: Self.product)
            _ = try await strategy.reserve(Self.reservation())
            let known = try await strategy.reserve(Self.reservation())
            before.each(StrategyLab.carries(id) ? "write-stock" : "release-") {
                await Self.forgetScripts(lab)
            }
            let forgotten = try await strategy.reserve(Self.reservation())
            #expect(known.isReserved && forgotten.isReserved)
            #expect(forgotten.evidence.commandsSent == known.evidence.commandsSent + 1, "the text, once")
        }
    }

    @Test("26, 42 · so does a hand-over")
    func forgottenBeforeHandOver() async throws {
        try await StrategyLab.run(for: .setnxNotify) { lab in
            let before = Before()
            let redis = HookedPort(lab.stock) { await before.call($0) }
            let lock = NotifyLock(
                redis: redis, clock: ContinuousClock(), random: .system,
                retry: RetryPolicy(delay: .fixed(.milliseconds(500))), validity: LeaseValidity())
            let strategy = GuardedDecrement(
                lock: lock, redis: redis, clock: ContinuousClock(), timeToLive: .seconds(600))
            try await lab.setStock(10, of: Self.product)
            /// The commands of two buyers in line, each of whom is handed the lock.
            func two(_ act: @escaping @Sendable () async -> Void) async throws -> [Int] {
                let key = ProductKeys(Self.product).lock
                let holder = try await lock.granted(key, timeToLive: .seconds(600))
                let first = Task { try await strategy.reserve(Self.reservation()) }
                try await waitUntil { lock.waitingCount(of: key) == 1 }
                let second = Task { try await strategy.reserve(Self.reservation()) }
                try await waitUntil { lock.waitingCount(of: key) == 2 }
                before.each("write-stock", act)
                _ = try await lock.release(holder)
                return [
                    try await first.value.evidence.commandsSent, try await second.value.evidence.commandsSent,
                ]
            }
            _ = try await two {}
            // Write and hand over; then write and release. Who handed it over has read for both.
            #expect(try await two {} == [1, 1])
            #expect(try await two { await Self.forgetScripts(lab) } == [2, 2])
        }
    }

    @Test("42 · redlock counts no vote that was cancelled before it was sent")
    func voteThatWasNotSent() async throws {
        let sent = Mutex(0)
        let quick = (0..<3).map { _ in
            ScriptedRedis { call throws(RedisError) in
                sent.withLock { $0 += 1 }
                return call.isAcquire ? .simpleString("OK") : .integer(1)
            }
        }
        let slow = (0..<2).map { _ in
            ScriptedRedis { call throws(RedisError) in
                guard call.isAcquire else {
                    sent.withLock { $0 += 1 }
                    return .integer(1)
                }
                // Waits for a connection until nobody waits for the vote.
                try? await Task.sleep(for: .seconds(600))
                throw RedisError(.cancelled, "cancelled before it was sent")
            }
        }
        let lock = try Redlock(
            nodes: (quick + slow).enumerated().map { LockNode(name: "node \($0.offset)", redis: $0.element) },
            clock: ContinuousClock(), random: .system,
            retry: RetryPolicy(delay: .fixed(.zero), maximumRetries: 0), validity: LeaseValidity())
        let outcome = try await lock.acquire(
            LockKey("lock:a"), timeToLive: .seconds(600), deadline: ContinuousClock.now)
        guard case .granted(_, let evidence) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(evidence.commandsSent == 3 && sent.withLock { $0 } == 3)
    }

    @Test("42 · a server that is not there was sent nothing", arguments: StrategyLab.inRedis)
    func nothingSent(id: StrategyEntry) async throws {
        let gone = ScriptedRedis { _ throws(RedisError) in throw RedisError(.unavailable, "refused") }
        let builder = StrategyBuilder(
            stock: gone, lockNodes: (0..<3).map { LockNode(name: "node \($0)", redis: gone) },
            clock: ContinuousClock(), advisoryLocks: ScriptedAdvisoryLocks())
        let error = await #expect(throws: StrategyError.self) {
            try await builder.strategy(id).reserve(Self.reservation())
        }
        #expect(error?.code == .unavailable)
        #expect(error?.evidence.commandsSent == 0 && error?.evidence.attempts == 1)
    }

    @Test("42 · a look at the buckets that fails says what was sent until then")
    func failedGathering() async throws {
        let sent = Mutex(0)
        let redis = ScriptedRedis { call throws(RedisError) in
            sent.withLock { $0 += 1 }
            switch call.name {
            case "take-at-home": return .array([.integer(0), .integer(0), .simpleString(""), .integer(0)])
            case "move-out": return .array([.integer(1), .integer(5)])
            case "move-in": throw RedisError(.outcomeUnknown, "lost")
            default: return .array([.integer(0), .integer(0), .simpleString("")])
            }
        }
        let error = await #expect(throws: StrategyError.self) {
            try await Sharded(redis: redis, clock: ContinuousClock(), buckets: 3).reserve(Self.reservation())
        }
        #expect(error?.code == .unavailable)
        #expect(error?.evidence.commandsSent == sent.withLock { $0 })
    }
}
