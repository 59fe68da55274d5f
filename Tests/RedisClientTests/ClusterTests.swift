import LabProcesses
import LabTesting
import Synchronization
import Testing

@testable import RedisClient

@Suite("A client of a cluster")
struct ClusterTests {
    private static let limits = RedisClient.Limits(
        connect: .seconds(10), command: .seconds(10), reconnectBase: .milliseconds(10),
        reconnectCap: .milliseconds(50))
    private typealias Outcome = RedisTransactionOutcome<String>

    private func withCluster(
        limits: RedisClient.Limits = limits, _ body: (RedisClient, ClusterGroup) async throws -> Void
    ) async throws {
        try await ClusterGroup.run { group in
            let client = RedisClient(try RedisEndpoint(parsing: group.url), limits: limits)
            try await body(client, group)
            await client.close()
        }
    }

    @Test("reaches every slot: commands, scripts, transactions, pipelines, messages")
    func works() async throws {
        try await withCluster { client, group in
            let script = RedisScript(name: "add", source: "return redis.call('INCRBY', KEYS[1], ARGV[1])")
            for number in 0..<50 {
                let key = "key:{\(number)}"
                #expect(try await client.send(RedisCommand("INCR", key)).integer == 1)
                #expect(try await client.run(script, keys: [key], arguments: ["4"]).value == .integer(5))
                let outcome: Outcome = try await client.transaction(
                    watching: [key], reading: [RedisCommand("GET", key)]
                ) { values in
                    .commit([RedisCommand("SET", key, String((values[0].integer ?? 0) * 2))])
                }
                guard case .committed = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                let replies = try await client.pipeline([
                    RedisCommand("GET", key), RedisCommand("GET", "other:{\(number)}"), RedisCommand("PING"),
                ])
                #expect(replies.map(\.string) == ["10", nil, "PONG"])
            }
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            for node in 0..<3 { try await group.send(node, "PUBLISH", "news", "\(node)") }
            try await waitUntil { seen.events.count == 3 }
            await subscription.cancel()
            let error = await #expect(throws: RedisError.self) {
                try await client.send(RedisCommand("DEL", "a", "b"))
            }
            #expect(error?.reply?.prefix == "CROSSSLOT")
        }
    }

    @Test("asks each node for the map once at most, however many need it at the same time")
    func oneQuestion() async throws {
        try await withCluster { client, group in
            func questions() async throws -> [Int] {
                var calls: [Int] = []
                for node in group.nodes.indices {
                    let text = try await group.send(node, "INFO", "commandstats").string ?? ""
                    let line = text.split(whereSeparator: \.isNewline).first {
                        $0.hasPrefix("cmdstat_cluster|slots:calls=")
                    }
                    let number = line?.split(separator: "=")[1].prefix { $0 != "," }
                    calls.append(number.flatMap { Int($0) } ?? 0)
                }
                return calls
            }
            let before = try await questions()
            await withTaskGroup(of: Void.self) { tasks in
                for number in 0..<100 {
                    tasks.addTask { _ = try? await client.send(RedisCommand("INCR", "key:{\(number)}")) }
                }
            }
            let asked = zip(try await questions(), before).map { $0 - $1 }
            #expect(asked.allSatisfy { (0...1).contains($0) } && asked.contains(1), "\(asked)")
        }
    }

    @Test("takes no news about lost data from a subscription, whatever node it lands on")
    func subscriptionOnReplica() async throws {
        try await ClusterGroup.run { group in
            let client = RedisClient(
                try RedisEndpoint(parsing: group.url),
                limits: .init(
                    connect: .seconds(60), command: .seconds(60), reconnectBase: .milliseconds(1),
                    reconnectCap: .milliseconds(10)), watchesServers: true)
            let known = try await client.meetServers()
            let generation = client.serverGeneration
            // The client asked all nodes for the map, so it has met the runs in which the replicas were then.
            for replica in group.nodes[3...] {
                await replica.kill()
                try await replica.restart()
            }
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            // Of nine nodes to choose from, three of them twice, a third are replicas.
            for round in 1...15 {
                for node in group.nodes.indices {
                    try await group.send(node, "CLIENT", "KILL", "TYPE", "pubsub")
                }
                try await waitUntil { seen.events.count { $0 == .restored } >= round }
            }
            #expect(client.serverGeneration == generation)
            // The masters are the same; of the replicas the question for the map has news by itself.
            #expect(try await client.meetServers().intersection(known).count >= 3)
            await subscription.cancel()
            await client.close()
        }
    }

    @Test("counts a replica that was promoted as a new server, though it had been asked for the map before")
    func promotion() async throws {
        try await ClusterGroup.run { group in
            let client = RedisClient(
                try RedisEndpoint(parsing: group.url),
                limits: .init(connect: .seconds(60), command: .seconds(60)), watchesServers: true)
            _ = try await client.meetServers()
            let generation = client.serverGeneration
            let key = try #require((0..<100).map { "key-\($0)" }.first { KeySlot.of($0) <= 5460 })
            _ = try await client.send(RedisCommand("SET", key, "before"))
            #expect(client.serverGeneration == generation)
            try await group.send(3, "CLUSTER", "FAILOVER", "TAKEOVER")
            try await waitUntil {
                let role = try await group.send(0, "ROLE").array?.first?.string
                return role == "slave"
            }
            _ = try await client.send(RedisCommand("SET", key, "after"))
            #expect(client.serverGeneration > generation)
            await client.close()
        }
    }

    @Test("counts exactly while a slot moves to another node under load")
    func migration() async throws {
        try await withCluster { client, group in
            let keys = (0..<20).map { "count:{moving}:\($0)" }
            let slot = KeySlot.of("moving")
            let source = slot / 5461
            let target = (source + 1) % 3
            let both = RedisScript(
                name: "both", source: "redis.call('INCR', KEYS[1]) return redis.call('INCR', KEYS[2])")
            let log = WriteLog()
            let writers = (0..<8).map { writer in
                Task {
                    var (done, number) = (0, writer)
                    while log.goesOn {
                        number += 1
                        let key = keys[number % keys.count]
                        switch number % 3 {
                        case 0:
                            _ = try await client.send(RedisCommand("INCR", key))
                            done += 1
                        case 1:
                            // Two keys, of which one may have moved: TRYAGAIN.
                            _ = try await client.run(
                                both, keys: [key, keys[(number + 7) % keys.count]], arguments: [])
                            done += 2
                        default:
                            let outcome: Outcome = try await client.transaction(
                                watching: [key], reading: [RedisCommand("GET", key)]
                            ) { _ in .commit([RedisCommand("INCR", key)]) }
                            if case .committed = outcome { done += 1 }
                        }
                        log.note(log.next(), 1)
                    }
                    return done
                }
            }
            try await waitUntil { log.acknowledged > 300 }
            try await move(slot, from: source, to: target, in: group, watchedBy: client)
            let after = log.acknowledged
            try await waitUntil { log.acknowledged > after + 300 }
            log.stop()
            var written = 0
            for writer in writers { written += try await writer.value }
            var counted: Int64 = 0
            for key in keys { counted += try await client.send(RedisCommand("GET", key)).integer ?? 0 }
            #expect(counted == Int64(written))
            #expect(try await group.send(target, "CLUSTER", "COUNTKEYSINSLOT", "\(slot)").integer == 20)
        }
    }

    /// Each key is read over the client as soon as it is on the other side, where only ASKING finds it: the
    /// slot is still the source's.
    private func move(
        _ slot: Int, from source: Int, to target: Int, in group: ClusterGroup, watchedBy client: RedisClient
    ) async throws {
        let (sourceID, targetID) = (try await group.id(of: source), try await group.id(of: target))
        try await group.send(target, "CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", sourceID)
        try await group.send(source, "CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", targetID)
        let port = group.nodes[target].port
        while true {
            // One at a time, so that commands meet the slot half moved.
            let reply = try await group.send(source, "CLUSTER", "GETKEYSINSLOT", "\(slot)", "1")
            guard let key = reply.array?.first?.string else { break }
            try await group.send(source, "MIGRATE", "127.0.0.1", "\(port)", key, "0", "5000")
            #expect(try await client.send(RedisCommand("EXISTS", key)).integer == 1)
        }
        for node in [target, source] {
            try await group.send(node, "CLUSTER", "SETSLOT", "\(slot)", "NODE", targetID)
        }
    }

    @Test("goes on after a master was killed under load, and runs no command twice")
    func killedMaster() async throws {
        let limits = RedisClient.Limits(
            connect: .seconds(1), command: .seconds(1), reconnectBase: .milliseconds(10),
            reconnectCap: .milliseconds(50))
        try await withCluster(limits: limits) { client, group in
            // One hash tag, so all of it is on one master: the one that dies.
            let log = WriteLog(tag: "{x}:")
            let victim = KeySlot.of("x") / 5461
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            let writers = (0..<8).map { _ in
                Task {
                    while log.goesOn {
                        let key = log.next()
                        do throws(RedisError) {
                            log.note(key, try await client.send(RedisCommand("INCR", key)).integer)
                        } catch {
                            await Task.yield()
                        }
                    }
                }
            }
            try await waitUntil { log.acknowledged > 500 }
            await group.nodes[victim].kill()
            let before = log.acknowledged
            try await waitUntil { log.acknowledged > before + 500 }
            log.stop()
            for writer in writers { await writer.value }
            #expect(log.replies.allSatisfy { $0 == 1 })
            // Also those without an answer were run once, or not at all.
            for start in stride(from: 0, to: log.keys.count, by: 1000) {
                let some = Array(log.keys[start..<min(start + 1000, log.keys.count)])
                let values = try await client.send(RedisCommand("MGET", some)).array ?? []
                #expect(values.allSatisfy { $0 == .null || $0.integer == 1 })
            }
            try await waitUntil {
                _ = try await client.send(RedisCommand("PUBLISH", "news", "still here"))
                return seen.events.last == .message("still here")
            }
            await subscription.cancel()
        }
    }

    @Test(
        "gives up, in the server's words, when nodes send it in a circle or ask to try again for ever",
        arguments: [("MOVED 1 127.0.0.1:PORT", 9), ("ASK 1 127.0.0.1:PORT", 9), ("TRYAGAIN later", nil)])
    func bounded(refusal: String, attempts: Int?) async throws {
        let asked = Mutex(0)
        let server = try await AnsweringServer.start { request, port in
            if request.contains("CLUSTER") {
                return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(port)\r\n"
            }
            asked.withLock { $0 += 1 }
            let asking = request.contains("ASKING") ? "+OK\r\n" : ""
            return asking + "-" + refusal.replacing("PORT", with: "\(port)") + "\r\n"
        }
        let client = RedisClient(
            RedisEndpoint(.cluster(nodes: [RedisHost("127.0.0.1", server.port)])),
            limits: .init(connect: .seconds(60), command: attempts == nil ? .seconds(2) : .seconds(60))
        )
        func ask() async -> RedisError? {
            await #expect(throws: RedisError.self) { try await client.send(RedisCommand("INCR", "a")) }
        }
        var error = await ask()
        // The limit may end while a try is under way, whose outcome is unknown then; not five times in a row.
        for _ in 1..<5 where attempts == nil && error?.code == .timedOut { error = await ask() }
        #expect(error?.code == .refused)
        #expect(
            error.map { refusal.hasPrefix($0.reply?.prefix ?? "-") } == true, "\(String(describing: error))")
        let count = asked.withLock { $0 }
        #expect(attempts.map { $0 == count } ?? (count > 1))
        await client.close()
        await server.stop()
    }

    @Test("says so within the time limit when no node is in reach")
    func away() async throws {
        let port = try DeadPort()
        let client = RedisClient(
            RedisEndpoint(.cluster(nodes: [RedisHost("127.0.0.1", port.number)])),
            limits: .init(command: .milliseconds(200)))
        let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("GET", "a")) }
        #expect(error?.code == .unavailable || error?.code == .timedOut)
        await client.close()
    }

    @Test("says so when the server is no cluster")
    func noCluster() async throws {
        try await withRedisServer { server in
            let client = RedisClient(
                RedisEndpoint(.cluster(nodes: [RedisHost("127.0.0.1", server.port)])),
                limits: .init(connect: .seconds(5), command: .seconds(5)))
            let error = await #expect(throws: RedisError.self) {
                try await client.send(RedisCommand("GET", "a"))
            }
            #expect(error?.context.contains("cluster support disabled") == true, "\(error?.context ?? "")")
            await client.close()
        }
    }
}
