import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

@testable import LockStrategies

@Suite("Quorum")
struct QuorumTests {
    private static func redlock<Redis: RedisPort>(
        _ nodes: [Redis]
    ) throws -> Redlock<Redis, ContinuousClock> {
        try Redlock(
            nodes: nodes.enumerated().map { LockNode(name: "node \($0.offset)", redis: $0.element) },
            clock: ContinuousClock(), random: .system,
            retry: RetryPolicy(delay: .fixed(.zero), maximumRetries: 0), validity: LeaseValidity())
    }

    /// All words of one length over the four states of a node.
    private static func combinations(_ count: Int) -> [[ScriptedLockNode.Behaviour]] {
        (0..<count).reduce([[]]) { words, _ in
            words.flatMap { word in ScriptedLockNode.Behaviour.allCases.map { word + [$0] } }
        }
    }

    @Test(
        "29, 30 · every combination of free, taken, dead and hanging nodes, in every order",
        arguments: 1...5)
    func everyCombination(count: Int) async throws {
        for states in Self.combinations(count) {
            let nodes = states.map { ScriptedLockNode($0) }
            let lock = try Self.redlock(nodes.map(\.redis))
            let result = await Self.tryOnce(lock)
            #expect(result == Self.expected(states), "\(states)")
            if result != .granted {
                // A node that hangs has applied the SET unseen, and applies the clean-up in the same way.
                #expect(nodes.allSatisfy { $0.keys.isEmpty }, "\(states)")
            }
        }
    }

    private enum Result: Equatable {
        case granted
        case contended
        case failed(StrategyError.Code)
    }

    /// "Contended" is said by a majority that answered; without one, nobody knows.
    private static func expected(_ states: [ScriptedLockNode.Behaviour]) -> Result {
        let quorum = states.count / 2 + 1
        let free = states.count { $0 == .free }
        let taken = states.count { $0 == .taken }
        if free >= quorum { return .granted }
        return free + taken < quorum ? .failed(.unavailable) : .contended
    }

    private static func tryOnce(_ lock: some LeaseLock) async -> Result {
        do {
            let outcome = try await lock.acquire(
                LockKey("a"), timeToLive: .seconds(10), deadline: ContinuousClock.now)
            if case .granted = outcome { return .granted }
            return .contended
        } catch {
            return .failed(error.code)
        }
    }

    @Test("29, 30 · the same on real servers: every mix of states over 1 to 5 nodes")
    func realServers() async throws {
        let servers = try await Self.start(5)
        let others = try await Self.start(5)
        let limits = RedisClient.Limits(connect: .milliseconds(500), command: .milliseconds(60))
        let free = servers.map { RedisClient($0.endpoint, limits: StrategyLab.patient) }
        let taken = others.map { RedisClient($0.endpoint, limits: StrategyLab.patient) }
        let silent = try await SpeakingServer.start(greeting: "")
        let deadPort = try DeadPort()
        var round = 0
        for count in 1...5 {
            for states in Self.combinations(count) where states.map(\.order) == states.map(\.order).sorted() {
                round += 1
                let key = LockKey("lock:\(round)")
                for node in taken { _ = try await node.send(RedisCommand("SET", key.description, "x")) }
                let nodes = states.enumerated().map { index, state in
                    switch state {
                    case .free: free[index]
                    case .taken: taken[index]
                    case .dead:
                        RedisClient(.init(.tcp(host: "127.0.0.1", port: deadPort.number)), limits: limits)
                    case .hanging:
                        RedisClient(.init(.tcp(host: "127.0.0.1", port: silent.port)), limits: limits)
                    }
                }
                let outcome = try? await Self.redlock(nodes).acquire(
                    key, timeToLive: .seconds(10), deadline: ContinuousClock.now)
                var isGranted = false
                if case .granted = outcome { isGranted = true }
                #expect(isGranted == (states.count { $0 == .free } >= count / 2 + 1), "\(states)")
                if !isGranted {
                    for node in free {
                        #expect(
                            try await node.send(RedisCommand("GET", key.description)) == .null, "\(states)")
                    }
                }
                for (node, state) in zip(nodes, states) where state == .dead || state == .hanging {
                    await node.close()
                }
            }
        }
        #expect(round == 125)
        await silent.stop()
        for client in free + taken { await client.close() }
        for server in servers + others { await server.stop() }
    }

    private static func start(_ count: Int) async throws -> [RedisServerProcess] {
        try await withThrowingTaskGroup(of: RedisServerProcess.self) { group in
            for _ in 0..<count { group.addTask { try await RedisServerProcess.start() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test("30 · a failed attempt also takes back a key whose answer came late (node-redlock #369)")
    func lateAnswer() async throws {
        let servers = try await Self.start(3)
        let clients = servers.map { RedisClient($0.endpoint, limits: StrategyLab.patient) }
        for client in clients.dropFirst() {
            _ = try await client.send(RedisCommand("SET", "lock:a", "somebody"))
        }
        let proxy = try await FaultProxy.start(upstreamPort: servers[0].port)
        let slow = RedisClient(
            RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)),
            limits: .init(connect: .seconds(60), command: .seconds(1)))
        // Connected before the race, so its SET leaves at once.
        try await waitUntil { (try? await slow.send(RedisCommand("PING"))) != nil }
        proxy.set(.holdReplies)
        let before = proxy.repliesSeen
        // The others say "taken" only when node 0 has carried out the SET, whose reply is held.
        let existed = Mutex(false)
        let afterSet = SendCounter { _ in
            try? await waitUntil { proxy.repliesSeen > before }
            let owner = try? await clients[0].send(RedisCommand("GET", "lock:a")).string
            if owner != nil { existed.withLock { $0 = true } }
        }
        let lock = try Self.redlock([
            ControlledPort(base: slow, counter: SendCounter { _ in }),
            ControlledPort(base: clients[1], counter: afterSet),
            ControlledPort(base: clients[2], counter: afterSet),
        ])
        let outcome = try await lock.acquire(
            LockKey("lock:a"), timeToLive: .seconds(600), deadline: ContinuousClock.now)
        guard case .contended = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(existed.withLock { $0 })
        try await waitUntil { try await clients[0].send(RedisCommand("GET", "lock:a")) == .null }
        await proxy.stop()
        for client in clients + [slow] { await client.close() }
        for server in servers { await server.stop() }
    }

    @Test(
        "31 · a majority is enough: a node that never answers is not waited for", .timeLimit(.minutes(5)),
        arguments: 0..<5)
    func hangingNodeIsLeft(place: Int) async throws {
        let wasLeft = Mutex(false)
        let hanging = ScriptedRedis { _ throws(RedisError) in
            // Ends by the cancellation of its task and by nothing else.
            do {
                try await Task.sleep(for: .seconds(86_400))
            } catch {
                wasLeft.withLock { $0 = true }
            }
            throw RedisError(.cancelled, "no longer waited for")
        }
        var nodes = (0..<4).map { _ in ScriptedLockNode(.free).redis }
        nodes.insert(hanging, at: place)
        let lease = try await Self.redlock(nodes).granted(LockKey("a"), within: .zero)
        #expect(hanging.calls.map(\.name) == ["SET"])
        #expect(wasLeft.withLock { $0 })
        #expect(nodes.count { $0.calls.first == hanging.calls.first } == 5)
        #expect(lease.key == LockKey("a"))
    }

    @Test("31 · acquire and release ask all nodes before any of them has answered")
    func askedInParallel() async throws {
        let asked = Mutex<[String: Int]>([:])
        let nodes = (0..<5).map { _ in ScriptedLockNode(.free) }
        let ports = nodes.map { node in
            ScriptedRedis { [redis = node.redis] call throws(RedisError) in
                asked.withLock { $0[call.name, default: 0] += 1 }
                do {
                    try await waitUntil { asked.withLock { $0[call.name] == 5 } }
                } catch {
                    throw RedisError(.cancelled, "the others were not asked")
                }
                guard case .command(let words) = call else { return .integer(1) }
                return try await redis.send(RedisCommand(words[0], Array(words.dropFirst())))
            }
        }
        let lock = try Self.redlock(ports)
        let lease = try await lock.granted(LockKey("a"), timeToLive: .seconds(600), within: .zero)
        #expect(try await lock.release(lease) == .released)
        #expect(asked.withLock { $0 } == ["SET": 5, "release-lock": 5])
    }

    @Test("31 · one hanging node delays acquire and release by no more than its own limit")
    func hangingNode() async throws {
        let servers = try await Self.start(4)
        let silent = try await SpeakingServer.start(greeting: "")
        // The limit of the hanging node is 300 ms; that of the others, 60 s, would show if it were used.
        let hanging = RedisClient(
            RedisEndpoint(.tcp(host: "127.0.0.1", port: silent.port)),
            limits: .init(connect: .seconds(60), command: .milliseconds(300)))
        let nodes = servers.map { RedisClient($0.endpoint, limits: .init(command: .seconds(60))) }
        let lock = try Self.redlock(nodes + [hanging])
        let began = ContinuousClock.now
        let lease = try await lock.granted(LockKey("lock:a"), timeToLive: .seconds(600), within: .zero)
        #expect(try await lock.release(lease) == .released)
        // Two commands, 300 ms each; the machine may be slow, but nobody waited for a limit of 60 s.
        #expect(began.duration(to: .now) < .seconds(30))
        for client in nodes + [hanging] { await client.close() }
        await silent.stop()
        for server in servers { await server.stop() }
    }

    @Test("32 · duplicate nodes and no nodes are refused; an even number is allowed")
    func configuration() throws {
        let port = ScriptedLockNode(.free).redis
        func redlock(_ names: [String]) throws -> Redlock<ScriptedRedis, ContinuousClock> {
            try Redlock(
                nodes: names.map { LockNode(name: $0, redis: port) }, clock: ContinuousClock(),
                random: .system, retry: StrategySettings().retry(of: .redlock), validity: LeaseValidity())
        }
        let twice = #expect(throws: StrategyConfigurationError.self) { try redlock(["a", "b", "a"]) }
        #expect(twice?.description.contains("node a is given twice") == true)
        #expect(throws: StrategyConfigurationError.self) { try redlock([]) }
        #expect(try redlock(["a", "b", "c", "d"]).quorum == 3)
        #expect(try redlock(["a", "b", "c", "d", "e"]).quorum == 3)
        #expect(try redlock(["a", "b"]).quorum == 2)
        #expect(try redlock(["a"]).quorum == 1)
    }

    @Test("one failing node during extend does not release the lock (redsync #149)")
    func extendWithFailingNode() async throws {
        let nodes = [ScriptedLockNode(.free), ScriptedLockNode(.free), ScriptedLockNode(.dead)]
        let lock = try Self.redlock(nodes.map(\.redis))
        let lease = try await lock.granted(LockKey("a"), within: .zero)
        guard case .extended(let longer) = try await lock.extend(lease, timeToLive: .seconds(60)) else {
            Issue.record("not extended")
            return
        }
        #expect(nodes.count { $0.keys["a"] == longer.token.description } == 2)
    }

    @Test(
        "14 · nodes that came back empty cost their votes: the lease goes on by the others, or ends (redsync #149)"
    )
    func extendAfterRestarts() async throws {
        let nodes = (0..<5).map { _ in ScriptedLockNode(.free) }
        let lock = try Self.redlock(nodes.map(\.redis))
        let lease = try await lock.granted(LockKey("a"), within: .zero)
        for restarted in 0..<2 { nodes[restarted].forget() }
        guard case .extended = try await lock.extend(lease, timeToLive: .seconds(60)) else {
            Issue.record("not extended by three of five")
            return
        }
        // The keys are not made again: these nodes may have carried out a release, and it could not be told.
        #expect(nodes.count { $0.keys["a"] != nil } == 3)
        nodes[2].forget()
        #expect(try await lock.extend(lease, timeToLive: .seconds(60)) == .absent)
        #expect(nodes.count { $0.keys["a"] != nil } == 2)
    }
}

extension ScriptedLockNode.Behaviour {
    /// Keeps one order of each mix.
    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
