import FaultInjection
import LabProcesses
import LockStrategies
import RedisClient
import Synchronization

/// Servers and clients of one clause, and what it does with them. Everything that it started ends with it.
final class Scene: Sendable {
    /// A time to live whose end is waited for. Whole seconds: some libraries know no others.
    static let short = Duration.seconds(1)
    /// A time to live whose end nobody waits for.
    static let long = Duration.seconds(30)
    /// Servers that a lock with a majority asks.
    static let quorumSize = 5

    let subject: LockUnderTest
    let trace = Trace()
    /// Nil: the scene is over, and what is started now ends at once.
    private let ends = Mutex<[@Sendable () async -> Void]?>([])

    init(_ subject: LockUnderTest) { self.subject = subject }

    func has(_ ability: LockUnderTest.Ability) -> Bool { subject.abilities.contains(ability) }

    /// Ends clients, proxies and servers, the newest first.
    func close() async {
        let ends = ends.withLock { ends in
            defer { ends = nil }
            return ends ?? []
        }
        for end in ends.reversed() { _ = await FirstAnswer.within(.seconds(20)) { await end() } }
    }

    private func atEnd(_ end: @escaping @Sendable () async -> Void) {
        let isOver = ends.withLock { ends in
            ends?.append(end)
            return ends == nil
        }
        // A clause that was given up may still be under way.
        if isOver { Task { await end() } }
    }

    // MARK: Servers

    /// As many servers as the lock asks.
    func servers(_ options: RedisServerOptions = RedisServerOptions()) async throws -> [RedisServerProcess] {
        let count = has(.quorum) ? Self.quorumSize : 1
        return try await withThrowingTaskGroup(of: RedisServerProcess.self) { group in
            for _ in 0..<count { group.addTask { try await self.server(options) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func server(_ options: RedisServerOptions) async throws -> RedisServerProcess {
        let server = try await RedisServerProcess.start(options)
        atEnd {
            server.resume()
            await server.stop()
        }
        return server
    }

    /// A proxy before each server.
    func proxies(_ servers: [RedisServerProcess]) async throws -> [FaultProxy] {
        var proxies: [FaultProxy] = []
        for server in servers {
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            atEnd { await proxy.stop() }
            proxies.append(proxy)
        }
        return proxies
    }

    /// What the servers hold, as evidence.
    func look(_ servers: [RedisServerProcess]) async {
        for (place, server) in servers.enumerated() {
            let client = RedisClient(
                server.endpoint, limits: .init(connect: .seconds(2), command: .seconds(2)))
            let keys = (try? await client.send(RedisCommand("KEYS", "*")).array) ?? []
            var words: [String] = []
            for key in keys.compactMap(\.string).sorted() {
                let left = (try? await client.send(RedisCommand("PTTL", key)).integer) ?? -2
                words.append("\(key) " + (left == -1 ? "without a time to live" : "for \(left) ms more"))
            }
            await client.close()
            let name = servers.count == 1 ? "Redis holds" : "Redis \(place + 1) holds"
            trace.add("bench", name, words.isEmpty ? "nothing" : words.joined(separator: ", "))
        }
    }

    // MARK: Clients

    func client(
        _ name: String, on servers: [RedisServerProcess], environment: [String: String] = [:]
    ) async throws -> SceneClient {
        try await client(name, urls: servers.map(\.url), environment: environment)
    }

    func client(
        _ name: String, through proxies: [FaultProxy], environment: [String: String] = [:]
    ) async throws -> SceneClient {
        try await client(
            name, urls: proxies.map { "redis://127.0.0.1:\($0.port)" }, environment: environment)
    }

    func client(
        _ name: String, urls: [String], environment: [String: String] = [:]
    ) async throws -> SceneClient {
        let client = try await subject.open(LockSetting(redis: urls, environment: environment))
        atEnd(client.close)
        return SceneClient(name, client, trace)
    }

    /// Has a client take another key and give it back: then it is connected, and the servers know its
    /// scripts.
    func warm(_ client: SceneClient, key: String = "warm") async throws {
        let reply = await client.acquire(key, isNoted: false)
        guard let held = reply.held else {
            throw Judged.undecided("\(client.name) asked for a free key and was answered: \(reply.words)")
        }
        _ = await client.release(held, key, isNoted: false)
    }

    // MARK: Demands

    /// A lease, where a lock that works grants one.
    func granted(
        _ client: SceneClient, _ key: String, ttl: Duration = long, wait: Duration = .zero, _ what: String
    ) async throws -> Held {
        let reply = await client.acquire(key, ttl: ttl, wait: wait)
        guard let held = reply.held else {
            throw Judged.undecided("\(client.name) asked for \(what) and was answered: \(reply.words)")
        }
        return held
    }

    func demand(_ isTrue: Bool, _ otherwise: @autoclosure () -> String) throws {
        guard isTrue else { throw Judged.failed(otherwise()) }
    }

    /// Nobody but the holder has the key.
    func demandTaken(_ client: SceneClient, _ key: String, _ otherwise: String) async throws {
        let reply = await client.acquire(key)
        if reply.held != nil { throw Judged.failed(otherwise) }
        guard reply.isContended else {
            throw Judged.undecided(
                "\(client.name) asked for a key that is held and was answered: \(reply.words)")
        }
    }

    /// Asks every 20 ms, each time for one try, until the key is granted.
    ///
    /// - Returns: Nil when it was contended all the time.
    func polled(
        _ client: SceneClient, _ key: String, ttl: Duration = long, within limit: Duration
    ) async throws -> Held? {
        let start = ContinuousClock.now
        while true {
            let reply = await client.acquire(key, ttl: ttl, isNoted: false)
            let isLast = ContinuousClock.now >= start + limit
            if reply.isContended && !isLast {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            trace.add(
                client.name, "acquire \"\(key)\", asked again and again for one try", reply.words,
                from: start, until: .now)
            if reply.held == nil && !reply.isContended {
                throw Judged.undecided(
                    "\(client.name) asked for a key that was to become free and was answered: \(reply.words)")
            }
            return reply.held
        }
    }
}
