import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

/// What a call has begun and does not wait for goes on in a queue that somebody owns.
@Suite("Finishing what was begun", .timeLimit(.minutes(10)))
struct FinishingTests {
    private static let key = LockKey("lock:{1}")
    private static let onOneNode = StrategyLab.leases.filter { !$0.needsLockNodes }
    /// A lock that stands for its lease is not granted again within any patience of a test.
    private static let long = Duration.seconds(3600)

    private static func lock(
        _ id: StrategyEntry, _ lab: StrategyLab, _ queue: FinishingQueue,
        limits: RedisClient.Limits = StrategyLab.patient
    ) throws -> any LeaseLock {
        let builder = StrategyBuilder(
            stock: RedisClient(lab.server.endpoint, limits: limits),
            lockNodes: lab.nodes.map {
                LockNode(name: $0.url, redis: RedisClient($0.endpoint, limits: limits))
            },
            clock: ContinuousClock(), finishing: queue)
        return try #require(try builder.lock(id))
    }

    @Test(
        "20 · a release that a busy Redis refused is made up for: the lock does not stand for its lease",
        arguments: onOneNode)
    func busy(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let queue = FinishingQueue()
            let lock = try Self.lock(id, lab, queue)
            let lease = try await lock.granted(Self.key, timeToLive: Self.long)
            let busy = RedisClient(lab.server.endpoint, limits: StrategyLab.patient)
            _ = try await lab.stock.send(RedisCommand("CONFIG", "SET", "busy-reply-threshold", "10"))
            let script = Task { try? await busy.send(RedisCommand("EVAL", "while true do end", "0")) }
            try await waitUntil {
                await redisError { () throws(RedisError) in try await lab.stock.send(RedisCommand("PING")) }
                    == "BUSY"
            }
            let refused = await #expect(throws: StrategyError.self) { try await lock.release(lease) }
            #expect(refused?.code == .refused)
            #expect(queue.count == 1)
            _ = try await lab.stock.send(RedisCommand("SCRIPT", "KILL"))
            _ = await script.value
            _ = try await lock.granted(Self.key, timeToLive: Self.long)
            await queue.finish()
            await busy.close()
        }
    }

    @Test(
        "20 · a release that got no answer is made up for: the lock does not stand for its lease",
        arguments: onOneNode)
    func silent(id: StrategyEntry) async throws {
        try await StrategyLab.run(for: id) { lab in
            let queue = FinishingQueue()
            let limits = RedisClient.Limits(connect: .seconds(60), command: .seconds(2))
            let lock = try Self.lock(id, lab, queue, limits: limits)
            let lease = try await lock.granted(Self.key, timeToLive: Self.long)
            lab.server.pause()
            await #expect(throws: StrategyError.self) { try await lock.release(lease) }
            lab.server.resume()
            try await waitUntil { (try? await lock.granted(Self.key, timeToLive: Self.long)) != nil }
            await queue.finish()
        }
    }

    @Test("31 · one node of five that stands still is waited for neither by a release nor by a grant")
    func stoppedNode() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let queue = FinishingQueue()
            // Whoever waited for the node would find nothing under way after it.
            let limits = RedisClient.Limits(
                connect: .seconds(60), command: .seconds(60), idlePing: Self.long)
            let lock = try Self.lock(.redlock, lab, queue, limits: limits)
            let warm = try await lock.granted(LockKey("lock:{2}"), timeToLive: Self.long)
            #expect(try await lock.release(warm) == .released)
            try await waitUntil { queue.count == 0 }
            lab.nodes[3].pause()
            for _ in 0..<3 {
                let lease = try await lock.granted(Self.key, timeToLive: Self.long)
                #expect(try await lock.release(lease) == .released)
            }
            #expect(queue.count >= 3, "the releases of the node that stands still are under way")
            lab.nodes[3].resume()
            await queue.finish()
            #expect(try await lab.owners(of: Self.key) == [])
        }
    }

    @Test("31 · nor by the clean-up of a failed attempt, which reaches it when it goes on")
    func cleanUp() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let queue = FinishingQueue()
            let limits = RedisClient.Limits(connect: Self.long, command: Self.long, idlePing: Self.long)
            let lock = try Self.lock(.redlock, lab, queue, limits: limits)
            let warm = try await lock.granted(LockKey("lock:{2}"), timeToLive: Self.long)
            #expect(try await lock.release(warm) == .released)
            for client in lab.lockServers.prefix(3) {
                _ = try await client.send(RedisCommand("SET", Self.key.description, "somebody"))
            }
            lab.nodes[4].pause()
            let outcome = try await lock.acquire(Self.key, timeToLive: Self.long, deadline: .now)
            guard case .contended = outcome else {
                Issue.record("\(outcome)")
                return
            }
            lab.nodes[4].resume()
            await queue.finish()
            #expect(try await lab.owners(of: Self.key) == ["somebody", "somebody", "somebody"])
        }
    }

    @Test("31 · a buyer does not wait for the release of redlock, which comes to its end in the queue")
    func releaseBehindTheAnswer() async throws {
        try await StrategyLab.run(for: .redlock) { lab in
            let product = ProductID(1)
            try await lab.setStock(10, of: product)
            let queue = FinishingQueue()
            let gate = Gate()
            func port(_ server: RedisServerProcess) -> HookedPort<RedisClient> {
                HookedPort(RedisClient(server.endpoint, limits: StrategyLab.patient)) { name in
                    if name == "release-lock" { await gate.pass() }
                }
            }
            // One node: of several, one that is late would be asked for no release.
            let strategy = try StrategyBuilder(
                stock: port(lab.server),
                lockNodes: lab.nodes.prefix(1).map { LockNode(name: $0.url, redis: port($0)) },
                clock: ContinuousClock(), settings: StrategySettings(leaseTimeToLive: Self.long),
                finishing: queue
            ).strategy(.redlock)
            let isAnswered = Mutex(false)
            async let sale = {
                let outcome = try await strategy.reserve(lab.reservation(of: product))
                isAnswered.withLock { $0 = true }
                return outcome
            }()
            // The release has not been sent when the buyer has his answer.
            await gate.reached()
            let answer: Void? = try? await waitUntil(limit: .seconds(20)) { isAnswered.withLock(\.self) }
            #expect(answer != nil, "the buyer waits for the release")
            #expect(queue.count == 1)
            let key = ProductKeys(product).lock
            #expect(try await lab.owners(of: key).count == 1)
            gate.open()
            #expect(try await sale.isReserved)
            await queue.finish()
            #expect(try await lab.owners(of: key) == [])
            // Scripts are known from now on: the lock, read, write, the release. A queue that takes no more
            // leaves the release to the call.
            let next = try await strategy.reserve(lab.reservation(of: product))
            #expect(next.evidence.commandsSent == 4)
            #expect(try await lab.owners(of: key) == [])
        }
    }

    @Test("30 · a node that the grant never reached is asked for no release")
    func neverReached() async throws {
        let nodes = [ScriptedLockNode.Behaviour.free, .free, .dead, .free, .dead].map { ScriptedLockNode($0) }
        let ports = nodes.map(\.redis)
        let lock = try Redlock(
            nodes: ports.enumerated().map { LockNode(name: "\($0.offset)", redis: $0.element) },
            clock: ContinuousClock(), random: .system,
            retry: RetryPolicy(delay: .fixed(.zero), maximumRetries: 0), validity: LeaseValidity())
        let lease = try await lock.granted(Self.key, within: .zero)
        #expect(try await lock.release(lease) == .released)
        #expect(
            ports.map { $0.calls.map(\.name) } == [
                ["SET", "release-lock"], ["SET", "release-lock"], ["SET"], ["SET", "release-lock"], ["SET"],
            ])
    }

    @Test("a full queue takes nothing: the call does the work itself; a closed one takes nothing either")
    func bounded() async throws {
        let queue = FinishingQueue(capacity: 6)
        let gate = Gate()
        #expect(queue.start([{ await gate.pass() }, { await gate.pass() }]))
        let nodes = (0..<5).map { _ in ScriptedLockNode(.free) }
        let lock = try Redlock(
            nodes: nodes.enumerated().map { LockNode(name: "\($0.offset)", redis: $0.element.redis) },
            clock: ContinuousClock(), random: .system,
            retry: RetryPolicy(delay: .fixed(.zero), maximumRetries: 0), validity: LeaseValidity(),
            finishing: queue)
        let lease = try await lock.granted(Self.key, within: .zero)
        #expect(try await lock.release(lease) == .released)
        // Not one of the five is left for later.
        #expect(nodes.allSatisfy { $0.keys.isEmpty })
        #expect(queue.count == 2)
        async let end: Void = queue.finish()
        try await waitUntil { queue.isClosed }
        #expect(!queue.start([{}]))
        gate.open()
        await end
        #expect(queue.count == 0)
    }

    /// The code in a refusal of Redis; nil: it was answered.
    private func redisError(_ call: () async throws(RedisError) -> RESPValue) async -> String? {
        do throws(RedisError) {
            _ = try await call()
            return nil
        } catch {
            return error.reply?.prefix
        }
    }
}
