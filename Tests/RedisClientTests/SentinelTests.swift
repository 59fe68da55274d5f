import LabProcesses
import LabTesting
import Testing

@testable import RedisClient

@Suite("A client that Sentinels guide")
struct SentinelTests {
    /// Short pauses: the tests wait for a failover, not for the client.
    private static let limits = RedisClient.Limits(
        connect: .seconds(2), command: .seconds(2), reconnectBase: .milliseconds(10),
        reconnectCap: .milliseconds(50))

    /// Writes one key after the other until told otherwise.
    private func write(_ client: RedisClient, _ log: WriteLog) async {
        while log.goesOn {
            let key = log.next()
            do throws(RedisError) {
                log.note(key, try await client.send(RedisCommand("INCR", key)).integer)
            } catch {
                await Task.yield()
            }
        }
    }

    @Test("goes on with the new master after the old one was killed, subscriptions and transactions too")
    func killedMaster() async throws {
        try await SentinelGroup.run { group in
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            let (log, seen) = (WriteLog(), EventLog())
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            let writer = Task { await write(client, log) }
            try await waitUntil { log.acknowledged > 100 }
            await group.master.kill()
            let before = log.acknowledged
            // The Sentinels take their time to elect; then writes go on.
            try await waitUntil { log.acknowledged > before + 100 }
            log.stop()
            await writer.value
            #expect(log.replies.allSatisfy { $0 == 1 }, "each key was written once")
            try await waitUntil { seen.events.last == .restored }
            // A Sentinel that hears late of the switch makes the client leave its connections once more, and
            // what is published in that gap is lost: so it is published until it comes.
            try await waitUntil {
                let outcome: RedisTransactionOutcome<String>? = try? await client.transaction(
                    watching: ["a"], reading: [RedisCommand("GET", "a")]
                ) { _ in .commit([RedisCommand("PUBLISH", "news", "new")]) }
                guard case .committed = outcome else { return false }
                return seen.events.contains(.message("new"))
            }
            await subscription.cancel()
            await client.close()
        }
    }

    @Test("follows a failover by hand, although the old master lives and takes writes")
    func manualFailover() async throws {
        try await SentinelGroup.run { group in
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            let log = WriteLog()
            let writer = Task { await write(client, log) }
            try await waitUntil { log.acknowledged > 100 }
            _ = try await group.ask(0, "SENTINEL", "FAILOVER", SentinelGroup.name)
            let port = group.replicas[0].port
            func isThere(_ key: String?) async throws -> Bool {
                guard let key else { return false }
                return try await OneCommand.send(RedisCommand("EXISTS", key), port: port).integer == 1
            }
            // While the replica still follows, a key is there too; after that it is only there when the
            // client has moved.
            try await waitUntil {
                let role = try? await OneCommand.send(RedisCommand("ROLE"), port: port)
                // The Sentinel that promotes a replica cuts all its connections, ours too.
                return role?.array?.first?.string == "master"
            }
            try await waitUntil { (try? await isThere(log.lastKey)) == true }
            let before = Set(log.acknowledgedKeys)
            try await waitUntil { log.acknowledged > before.count + 200 }
            log.stop()
            await writer.value
            for key in log.acknowledgedKeys where !before.contains(key) {
                #expect(try await isThere(key), "\(key) went to the old master")
            }
            await client.close()
        }
    }

    @Test("follows the way back to a master that was replaced before, although nobody tells of it")
    func silentFailBack() async throws {
        try await SentinelGroup.run { group in
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            _ = try await client.send(RedisCommand("PING"))
            let (first, second) = (group.master.port, group.replicas[0].port)
            _ = try await group.ask(0, "SENTINEL", "FAILOVER", SentinelGroup.name)
            func writes(to port: Int) async -> Bool {
                guard (try? await client.send(RedisCommand("SET", "at", "\(port)"))) != nil else {
                    return false
                }
                let found = try? await OneCommand.send(RedisCommand("GET", "at"), port: port)
                let role = try? await OneCommand.send(RedisCommand("ROLE"), port: port)
                return found?.string == "\(port)" && role?.array?.first?.string == "master"
            }
            try await waitUntil { await writes(to: second) }
            // As an operator sets it up anew: no switch is published.
            for number in group.sentinels.indices {
                _ = try await group.ask(number, "SENTINEL", "REMOVE", SentinelGroup.name)
            }
            try await group.master.command(RedisCommand("REPLICAOF", "NO", "ONE"))
            try await group.replicas[0].command(RedisCommand("REPLICAOF", "127.0.0.1", "\(first)"))
            for number in group.sentinels.indices {
                _ = try await group.ask(
                    number, "SENTINEL", "MONITOR", SentinelGroup.name, "127.0.0.1", "\(first)", "2")
            }
            try await waitUntil { await writes(to: first) }
            await client.close()
        }
    }

    @Test("leaves a server that says READONLY")
    func readOnly() async throws {
        try await SentinelGroup.run { group in
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            let first = try await client.send(RedisCommand("CLIENT", "ID")).integer
            try await group.master.command(RedisCommand("REPLICAOF", "127.0.0.1", "1"))
            let error = await #expect(throws: RedisError.self) {
                try await client.send(RedisCommand("INCR", "a"))
            }
            #expect(error?.reply?.prefix == "READONLY")
            // The next connection is asked for its role, and a replica is not taken.
            #expect(await code { _ = try await client.send(RedisCommand("INCR", "a")) } == .unavailable)
            try await group.master.command(RedisCommand("REPLICAOF", "NO", "ONE"))
            try await waitUntil { (try? await client.send(RedisCommand("INCR", "a")))?.integer == 1 }
            #expect(try await client.send(RedisCommand("CLIENT", "ID")).integer != first)
            await client.close()
        }
    }

    @Test("says which name the Sentinels do not know")
    func wrongName() async throws {
        try await SentinelGroup.run { group in
            let client = RedisClient(
                try RedisEndpoint(parsing: group.url(master: "store")), limits: Self.limits)
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
            #expect(error?.code == .unavailable)
            #expect(error?.context.contains("\"store\"") == true, "\(error?.context ?? "")")
            #expect(error?.context.contains("check the name in the URL") == true)
            await client.close()
        }
    }

    @Test("says that all Sentinels are away, and asks the others when the first one is")
    func sentinelsAway() async throws {
        try await SentinelGroup.run { group in
            await group.sentinels[0].killNow()
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            #expect(try await client.send(RedisCommand("PING")) == .simpleString("PONG"))
            await client.close()
            for sentinel in group.sentinels { await sentinel.killNow() }
            let late = RedisClient(try RedisEndpoint(parsing: group.url), limits: Self.limits)
            let error = await #expect(throws: RedisError.self) { try await late.send(RedisCommand("PING")) }
            #expect(error?.code == .unavailable)
            #expect(error?.context.contains("through the Sentinels") == true, "\(error?.context ?? "")")
            await late.close()
        }
    }
}
