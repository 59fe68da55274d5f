import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// Time is a clock that the tests move; the servers and their keys are real and have minutes to live.
@Suite("Renewal")
struct RenewalTests {
    private static let key = LockKey("lock:a")
    private static let timeToLive = Duration.seconds(600)
    private static let policy = RenewalPolicy(
        retryPause: .seconds(1), notice: .seconds(60), maximumHold: .seconds(3_600))

    private struct WorkFailed: Error {}

    /// A lock under test with everything around it that the tests move.
    private struct Stage {
        let lab: StrategyLab
        let clock: ManualClock
        let lock: any LeaseLock
        let proxies: [FaultProxy]
        let clients: [RedisClient]

        /// What a task that holds the lease sees and does.
        func hold(
            policy: RenewalPolicy = RenewalTests.policy,
            work: @escaping @Sendable (HeldLease) async throws -> String
        ) -> Task<RenewedOutcome<String>, any Error> {
            Task { [lock, clock] in
                try await lock.withRenewedLease(
                    RenewalTests.key, timeToLive: RenewalTests.timeToLive, deadline: clock.now,
                    renewal: policy, clock: clock, work: work)
            }
        }

        /// Moves time on to the next renewal, and over the pauses after renewals that failed, until the
        /// holder has seen one succeed. The keys have their full time to live again then.
        ///
        /// Time stands still while a renewal is on its way: beside it only its alarm sleeps, up to the notice
        /// of the lease as the holder knows it, and to wake that would be to tell the holder of a loss.
        func renewOnce(_ held: HeldLease) async throws {
            try await shortenKeys()
            let before = held.lease
            try await waitUntil {
                let known = held.lease
                if known.validUntil > before.validUntil { return true }
                let alarm = known.validUntil - RenewalTests.policy.notice
                if let next = clock.wakeUps.first, next != alarm { clock.advance(by: next - clock.now) }
                return false
            }
            #expect(try await renewedKeys() > lab.lockServers.count / 2)
        }

        private func shortenKeys() async throws {
            for server in lab.lockServers {
                _ = try await server.send(RedisCommand("PEXPIRE", RenewalTests.key.description, "300000"))
            }
        }

        private func renewedKeys() async throws -> Int {
            var count = 0
            for server in lab.lockServers {
                let left = try await server.send(RedisCommand("PTTL", RenewalTests.key.description)).integer
                if let left, left > 300_000 { count += 1 }
            }
            return count
        }
    }

    private static func stage(_ id: StrategyEntry, _ body: (Stage) async throws -> Void) async throws {
        try await StrategyLab.run(for: id) { lab in
            let clock = ManualClock()
            var proxies: [FaultProxy] = []
            for server in [lab.server] + lab.nodes {
                proxies.append(try await FaultProxy.start(upstreamPort: server.port))
            }
            let clients = proxies.map {
                RedisClient(
                    RedisEndpoint(.tcp(host: "127.0.0.1", port: $0.port)), limits: StrategyLab.patient)
            }
            let nodes = zip(lab.nodes, clients.dropFirst()).map { LockNode(name: $0.url, redis: $1) }
            let builder = StrategyBuilder(stock: clients[0], lockNodes: nodes, clock: clock)
            let lock = try #require(try builder.lock(id))
            try await body(
                Stage(lab: lab, clock: clock, lock: lock, proxies: proxies, clients: clients))
            for client in clients { await client.close() }
            for proxy in proxies { await proxy.stop() }
        }
    }

    /// Ends by cancellation and by nothing else.
    private static func workUntilCancelled() async throws {
        try await Task.sleep(for: .seconds(86_400))
    }

    @Test(
        "16 · renewal survives three times to live of work and a reconnect (redisson #3194), then ends",
        arguments: StrategyLab.leases)
    func survives(id: StrategyEntry) async throws {
        try await Self.stage(id) { stage in
            let finish = AsyncStream<Void>.makeStream()
            let began = Recorder<HeldLease>()
            let holder = stage.hold { held in
                began.note(held)
                for await _ in finish.stream { break }
                return held.isLost ? "lost" : held.lease.token.description
            }
            try await waitUntil { !began.values.isEmpty }
            let held = try #require(began.values.first)
            for round in 1...10 {
                // In the middle the connections are cut; a little later a reply gets lost.
                if round == 4 { for proxy in stage.proxies { proxy.reset() } }
                if round == 7 { for proxy in stage.proxies { proxy.set(.cutNextReply) } }
                try await stage.renewOnce(held)
            }
            let owner = try #require(try await stage.lab.owners(of: Self.key).first)
            finish.continuation.yield()
            guard case .done(let token) = try await holder.value else {
                Issue.record("contended")
                return
            }
            #expect(token == owner)
            #expect(try await stage.lab.owners(of: Self.key) == [])
            #expect(stage.clock.wakeUps == [], "something goes on after the release (redisson #1626)")
        }
    }

    @Test(
        "16 · renewal is capped, and the holder is told before the validity ends (redisson #1626)",
        arguments: StrategyLab.leases)
    func capped(id: StrategyEntry) async throws {
        try await Self.stage(id) { stage in
            let told = Mutex<Bool?>(nil)
            let clock = stage.clock
            // No renewal at all fits into it.
            let policy = RenewalPolicy(notice: .seconds(60), maximumHold: .seconds(100))
            let holder = stage.hold(policy: policy) { held in
                do {
                    try await Self.workUntilCancelled()
                    return "never"
                } catch {
                    told.withLock { $0 = held.isLost && clock.now < held.lease.validUntil }
                    throw error
                }
            }
            try await waitUntil { !clock.wakeUps.isEmpty }
            clock.advance(by: try #require(clock.wakeUps.first) - clock.now)
            let error = await #expect(throws: StrategyError.self) { try await holder.value }
            #expect(error?.code == .leaseLost)
            #expect(told.withLock { $0 } == true)
            #expect(try await stage.lab.owners(of: Self.key) == [])
            #expect(clock.wakeUps == [])
        }
    }

    @Test(
        "16 · a lease that somebody else has taken is told at the next renewal, and theirs is left alone",
        arguments: StrategyLab.leases)
    func taken(id: StrategyEntry) async throws {
        try await Self.stage(id) { stage in
            let holder = stage.hold { _ in
                try await Self.workUntilCancelled()
                return "never"
            }
            try await waitUntil { !stage.clock.wakeUps.isEmpty }
            for server in stage.lab.lockServers {
                _ = try await server.send(RedisCommand("SET", Self.key.description, "other"))
            }
            stage.clock.advance(by: Self.timeToLive / 3)
            let error = await #expect(throws: StrategyError.self) { try await holder.value }
            #expect(error?.code == .leaseLost)
            #expect(try await stage.lab.owners(of: Self.key).allSatisfy { $0 == "other" })
            #expect(try await !stage.lab.owners(of: Self.key).isEmpty)
        }
    }

    @Test(
        "16 · servers that fall silent: the holder is told before the validity ends",
        arguments: StrategyLab.leases)
    func silent(id: StrategyEntry) async throws {
        try await Self.stage(id) { stage in
            let clock = stage.clock
            let left = Mutex<Duration?>(nil)
            let holder = stage.hold { held in
                do {
                    try await Self.workUntilCancelled()
                    return "never"
                } catch {
                    left.withLock { $0 = clock.now.duration(to: held.lease.validUntil) }
                    throw error
                }
            }
            try await waitUntil { !clock.wakeUps.isEmpty }
            for proxy in stage.proxies { proxy.set(.swallowCommands) }
            clock.advance(by: Self.timeToLive / 3)
            // The renewal waits for its answer, and beside it the moment at which the holder must be told.
            try await waitUntil { !clock.wakeUps.isEmpty }
            clock.advance(by: try #require(clock.wakeUps.last) - clock.now)
            try await waitUntil { left.withLock { $0 != nil } }
            #expect(left.withLock { $0 } == .seconds(60))
            // The release has to reach the servers again. What was swallowed is never answered.
            for proxy in stage.proxies {
                proxy.reset()
                proxy.set(.pass)
            }
            let error = await #expect(throws: StrategyError.self) { try await holder.value }
            #expect(error?.code == .leaseLost)
        }
    }

    @Test(
        "16 · cancelling the caller ends work and renewal and gives the lock back",
        arguments: StrategyLab.leases)
    func cancelled(id: StrategyEntry) async throws {
        try await Self.stage(id) { stage in
            let holder = stage.hold { _ in
                try await Self.workUntilCancelled()
                return "never"
            }
            try await waitUntil { !stage.clock.wakeUps.isEmpty }
            holder.cancel()
            await #expect(throws: CancellationError.self) { try await holder.value }
            #expect(try await stage.lab.owners(of: Self.key) == [])
            #expect(stage.clock.wakeUps == [])
        }
    }

    @Test(
        "23 · what the work threw is what the caller sees, also when the release fails",
        arguments: StrategyLab.leases, [false, true])
    func ownError(id: StrategyEntry, isReleaseBroken: Bool) async throws {
        try await Self.stage(id) { stage in
            let holder = stage.hold { [clients = stage.clients] _ in
                if isReleaseBroken { for client in clients { await client.close() } }
                throw WorkFailed()
            }
            await #expect(throws: WorkFailed.self) { try await holder.value }
            let owners = try await stage.lab.owners(of: Self.key)
            #expect(owners.isEmpty == !isReleaseBroken)
        }
    }

    @Test("17 · 10,000 rounds of extend racing release leave no key", arguments: StrategyLab.leases)
    func extendRacesRelease(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            // Each lane has a key of its own; in each round both commands are on their way at once.
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<50 {
                    group.addTask {
                        for round in 0..<200 {
                            let key = LockKey("lock:\(lane)")
                            let lease = try await lock.granted(key, timeToLive: .seconds(600))
                            async let extended = lock.extend(lease, timeToLive: .seconds(900))
                            async let released = lock.release(lease)
                            let (first, second) = try await (extended, released)
                            #expect(second == .released, "lane \(lane), round \(round): \(first)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            for server in lab.lockServers {
                #expect(try await server.send(RedisCommand("KEYS", "lock:*")) == .array([]))
            }
        }
    }
}
