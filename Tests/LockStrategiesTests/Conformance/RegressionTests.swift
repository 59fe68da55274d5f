import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// Bugs that published lock libraries had, a test each, named after the issue. Those that concern messages
/// stand with the locks that wait for messages; the rest is here also when a clause's own test would notice.
@Suite("Regressions: bugs of other libraries")
struct RegressionTests {
    private static let key = LockKey("lock:a")

    // MARK: Validity

    @Test(
        "11 · node-redlock #296, #299, #369: validity does not count from the first of several tries",
        arguments: StrategyLab.leases)
    func validityFromFirstTry(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            for server in lab.lockServers {
                _ = try await server.send(RedisCommand("SET", Self.key.description, "somebody"))
            }
            let clock = SkippingClock()
            let lock = try #require(
                try lab.builder(clock: clock) { count in
                    // The wait has been longer than the whole time to live when a later try succeeds.
                    if count == 40 { clock.advance(by: .seconds(20)) }
                    guard count == 60 else { return }
                    await Task {
                        for server in lab.lockServers {
                            _ = try? await server.send(RedisCommand("DEL", Self.key.description))
                        }
                    }.value
                }.lock(id))
            let outcome = try await lock.acquire(
                Self.key, timeToLive: .seconds(10), deadline: clock.now + .seconds(600))
            guard case .granted(let lease, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(clock.now.duration(to: lease.validUntil) > .seconds(9))
        }
    }

    @Test(
        "10 · redlock-py PR 3: the clock drift is taken off the validity, never added",
        arguments: StrategyLab.leases)
    func driftIsTakenOff(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let clock = SkippingClock()
            let lock = try #require(try lab.builder(clock: clock).lock(id))
            let lease = try await lock.granted(Self.key, timeToLive: .seconds(100))
            #expect(clock.now.duration(to: lease.validUntil) < .seconds(100))
            #expect(try await lock.release(lease) == .released)
        }
    }

    @Test(
        "9 · etcd #11456: a lease that ended while its holder waited is not worked under",
        arguments: StrategyLab.leases)
    func endedWhileWaiting(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let clock = SkippingClock()
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let name = ProductKeys(product).lock.description
            let strategy = try lab.builder(clock: clock) { _ in
                // As soon as the lock is held, the holder loses more time than its lease has.
                let owner = await Task {
                    for server in lab.lockServers {
                        if let owner = try? await server.send(RedisCommand("GET", name)).string {
                            return owner
                        }
                    }
                    return ""
                }.value
                if !owner.isEmpty { clock.advance(by: .seconds(20)) }
            }.strategy(id)
            let error = await #expect(throws: StrategyError.self) {
                try await strategy.reserve(lab.reservation(of: product))
            }
            #expect(error?.code == .leaseLost)
            #expect(try await lab.readStock(product) == 10)
            #expect(try await lab.openReservations(product) == (0, 0))
        }
    }

    // MARK: Keys and tokens

    @Test("30 · node-redlock #369: a client is not kept out by its own partial keys")
    func ownPartialKeys() async throws {
        // Two of three nodes are taken for the first two rounds; the third grants each time.
        let nodes = [ScriptedLockNode(.free), ScriptedLockNode(.free), ScriptedLockNode(.free)]
        for node in nodes.dropFirst() {
            _ = try await node.redis.send(RedisCommand("SET", Self.key.description, "other", "NX", "PX", "1"))
        }
        let rounds = Mutex(0)
        let ports = nodes.enumerated().map { index, node in
            ScriptedRedis { [redis = node.redis] call throws(RedisError) in
                guard case .command(let words) = call else { return .integer(0) }
                if index == 0, words[0] == "SET" {
                    let round = rounds.withLock { rounds in
                        rounds += 1
                        return rounds
                    }
                    // The others end before the third round.
                    for other in nodes.dropFirst() where round == 3 {
                        _ = try await other.redis.send(
                            RedisCommand("EVAL", "", "1", Self.key.description, "other"))
                    }
                }
                return try await redis.send(RedisCommand(words[0], Array(words.dropFirst())))
            }
        }
        let lock = try Redlock(
            nodes: ports.enumerated().map { LockNode(name: "\($0.offset)", redis: $0.element) },
            clock: SkippingClock(), random: .seeded(1),
            retry: RetryPolicy(delay: .fixed(.milliseconds(1)), maximumRetries: 10),
            validity: LeaseValidity())
        let lease = try await lock.granted(Self.key, timeToLive: .seconds(600))
        #expect(rounds.withLock { $0 } <= 5)
        #expect(nodes.count { $0.keys[Self.key.description] == lease.token.description } >= 2)
    }

    @Test(
        "20 · node-redlock #362: a release of an expired lock asks once and is not repeated for ever",
        arguments: StrategyLab.leases)
    func releaseOfExpired(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let sends = Mutex(0)
            let lock = try #require(
                try lab.builder(clock: SkippingClock()) { _ in sends.withLock { $0 += 1 } }.lock(id))
            let warm = try await lock.granted(Self.key)
            _ = try await lock.release(warm)
            let lease = try await lock.granted(Self.key)
            for server in lab.lockServers {
                _ = try await server.send(RedisCommand("DEL", Self.key.description))
            }
            sends.withLock { $0 = 0 }
            var cost = Evidence()
            #expect(try await lock.release(lease, &cost) == .absent)
            #expect(sends.withLock { $0 } == lab.lockServers.count)
            #expect(cost.commandsSent == lab.lockServers.count)
        }
    }

    @Test(
        "20 · redis-py #3847: the token outlives a release that failed, so it can be tried again",
        arguments: StrategyLab.leases)
    func tokenOutlivesFailedRelease(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let builder = lab.builder(limits: .init(connect: .seconds(60), command: .milliseconds(300)))
            let hasty = try #require(try builder.lock(id))
            let lock = try #require(try lab.builder().lock(id))
            let lease = try await lock.granted(Self.key, timeToLive: .seconds(600))
            for server in [lab.server] + lab.nodes { server.pause() }
            await #expect(throws: StrategyError.self) { try await hasty.release(lease) }
            for server in [lab.server] + lab.nodes { server.resume() }
            let again = try await lock.release(lease)
            #expect(again == .released || again == .absent)
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test(
        "13 · redis-py #554: a client that dies between any two commands leaves no key for ever",
        arguments: StrategyLab.leases)
    func diesBetweenCommands(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            // Death after each number of commands: the connection is gone, nothing more is sent.
            for commands in 1...8 {
                let proxies = try await Self.proxies(lab)
                let clients = proxies.map {
                    RedisClient(RedisEndpoint(.tcp(host: "127.0.0.1", port: $0.port)))
                }
                let counter = SendCounter { count in
                    if count > commands { for proxy in proxies { await proxy.stop() } }
                }
                let ports = clients.map { ControlledPort(base: $0, counter: counter) }
                let nodes = zip(lab.nodes, ports.dropFirst()).map { LockNode(name: $0.url, redis: $1) }
                let builder = StrategyBuilder(
                    stock: ports[0], lockNodes: nodes, clock: ContinuousClock())
                let lock = try #require(try builder.lock(id))
                _ = try? await lock.acquire(Self.key, timeToLive: .seconds(600), deadline: .now)
                for server in lab.lockServers {
                    let left = try await server.send(RedisCommand("PTTL", Self.key.description)).integer
                    #expect(left != -1, "after \(commands) commands")
                    _ = try await server.send(RedisCommand("DEL", Self.key.description))
                }
                for client in clients { await client.close() }
                for proxy in proxies { await proxy.stop() }
            }
        }
    }

    @Test("5 · ShedLock #74: unlocking never deletes the next owner's key", arguments: StrategyLab.leases)
    func blindDelete(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let lock = try #require(try lab.builder().lock(id))
            let first = try await lock.granted(Self.key, timeToLive: .seconds(600))
            for server in lab.lockServers {
                _ = try await server.send(RedisCommand("DEL", Self.key.description))
            }
            // Of another process: some locks queue the waiters of one process behind its own lease.
            let other = try #require(try lab.builder().lock(id))
            let second = try await other.granted(Self.key, timeToLive: .seconds(600))
            #expect(try await lock.release(first) == .notOwner)
            let owners = try await lab.owners(of: Self.key)
            #expect(owners.count > lab.lockServers.count / 2)
            #expect(owners.allSatisfy { $0 == second.token.description })
            #expect(try await other.release(second) == .released)
        }
    }

    private static func proxies(_ lab: StrategyLab) async throws -> [FaultProxy] {
        var proxies: [FaultProxy] = []
        for server in [lab.server] + lab.nodes {
            proxies.append(try await FaultProxy.start(upstreamPort: server.port))
        }
        return proxies
    }
}
