import FaultInjection
import Foundation
import LabProcesses
import LabTesting
import NIOCore
import NIOPosix
import Testing

@testable import RedisClient

/// One address behind which the server changes: a virtual IP, a name, the endpoint of a managed Redis.
@Suite("A client whose server became a replica")
struct ReplicaTests {
    private static let limits = RedisClient.Limits(
        connect: .seconds(60), command: .seconds(60), reconnectBase: .milliseconds(10),
        reconnectCap: .milliseconds(50))

    /// A client of an address that leads to the first server, and two servers.
    private func withAddress(
        limits: RedisClient.Limits = limits,
        _ body: (RedisClient, _ first: RedisServerProcess, _ move: () throws -> Void) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory(prefix: "lab-address")
        let files = FileManager.default
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { first async throws in
            try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { second async throws in
                func path(_ server: RedisServerProcess) throws -> String {
                    guard case .unixSocket(let path) = server.endpoint.address else { throw NoSocket() }
                    return path
                }
                // Where a link leads is looked up at each connecting, as a name is.
                let link = directory.file("redis.sock")
                try files.createSymbolicLink(atPath: link, withDestinationPath: try path(first))
                let client = RedisClient(RedisEndpoint(.unixSocket(path: link)), limits: limits)
                try await body(client, first) {
                    try files.removeItem(atPath: link)
                    try files.createSymbolicLink(atPath: link, withDestinationPath: try path(second))
                }
                await client.close()
            }
        }
        directory.remove()
    }

    private struct NoSocket: Error {}

    @Test("finds the new one with commands, transactions and subscriptions, and loses no reply on the way")
    func followsTheAddress() async throws {
        try await withAddress { client, first, move async throws in
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            func commit() async throws -> Bool {
                let outcome: RedisTransactionOutcome<String> = try await client.transaction(
                    watching: ["a"], reading: [RedisCommand("GET", "a")]
                ) { _ in .commit([RedisCommand("INCR", "a")]) }
                if case .committed = outcome { return true }
                return false
            }
            #expect(try await commit())
            _ = try await client.send(RedisCommand("PING"))
            try await first.command(RedisCommand("REPLICAOF", "127.0.0.1", "1"))
            try move()
            // All are answered by the old server, and none loses its answer when the connection is left.
            let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
                for _ in 0..<50 {
                    group.addTask { await code { _ = try await client.send(RedisCommand("INCR", "b")) } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.allSatisfy { $0 == .refused || $0 == nil }, "\(codes)")
            #expect(codes.contains(.refused))
            try await waitUntil { (try? await client.send(RedisCommand("INCR", "b"))) != nil }
            try await waitUntil { (try? await commit()) == true }
            #expect(try await client.send(RedisCommand("GET", "a")).string == "1")
            try await waitUntil {
                _ = try? await client.send(RedisCommand("PUBLISH", "news", "new"))
                return seen.events.contains(.message("new"))
            }
            await subscription.cancel()
        }
    }

    @Test("does not ask one that stays a replica over a new connection for each command")
    func patient() async throws {
        try await withAddress { client, first, _ async throws in
            try await first.command(RedisCommand("REPLICAOF", "127.0.0.1", "1"))
            func connections() async throws -> Int {
                let text = try await first.command(RedisCommand("INFO", "stats")).string ?? ""
                let line = text.split(whereSeparator: \.isNewline).first {
                    $0.hasPrefix("total_connections_received:")
                }
                return line.flatMap { Int($0.split(separator: ":")[1]) } ?? 0
            }
            let before = try await connections()
            let start = ContinuousClock.now
            for _ in 0..<200 {
                #expect(await code { _ = try await client.send(RedisCommand("INCR", "a")) } == .refused)
            }
            let pauses = Int(start.duration(to: .now) / .milliseconds(100))
            // One more is that of the question.
            #expect(try await connections() - before <= pauses + 3)
        }
    }

    @Test(
        "Transactions find the new server after one time limit, however many connections died without a word")
    func silentConnections() async throws {
        let limits = RedisClient.Limits(
            connect: .seconds(60), command: .milliseconds(500), dedicatedConnections: 8)
        try await withAddress(limits: limits) { client, first, move async throws in
            @Sendable func commit() async -> RedisError.Code? {
                await code {
                    let _: RedisTransactionOutcome<String> = try await client.transaction(
                        watching: ["a"], reading: [RedisCommand("GET", "a")]
                    ) { _ in .commit([RedisCommand("INCR", "b")]) }
                }
            }
            try await waitUntil {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<32 { group.addTask { _ = await commit() } }
                }
                return try await first.normalClients() >= 6
            }
            first.pause()
            try move()
            var silent = 0
            while await commit() != nil { silent += 1 }
            first.resume()
            #expect((1...2).contains(silent), "\(silent) transactions waited for a server that says nothing")
        }
    }

    @Test(
        "A watch on a Sentinel that does not answer the first SUBSCRIBE asks again, and retires nobody over a gap"
    )
    func silentSentinel() async throws {
        try await withRedisServer { sentinel async throws in
            let proxy = try await FaultProxy.start(upstreamPort: sentinel.port)
            let limits = RedisClient.Limits(
                connect: .seconds(60), command: .milliseconds(300), reconnectBase: .milliseconds(10),
                reconnectCap: .milliseconds(50))
            let group = MultiThreadedEventLoopGroup.singleton
            let endpoint = RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port))
            let dialer = Dialer(endpoint, limits: limits, runs: nil, group: group)
            let connector = Connector(limits: limits) { push throws(RedisError) in
                try await dialer.connect(to: endpoint.address, push: push)
            }
            let watch = SwitchWatch(
                master: "shop", connectors: [connector], limits: limits, group: group)
            let news = Recorder<SwitchWatch.News>()
            watch.onNews { news.note($0) }
            proxy.set(.swallowCommands)
            watch.start()
            // The first one is on its way, and long given up.
            try await Task.sleep(for: .milliseconds(700))
            proxy.set(.pass)
            let switched = SwitchWatch.News.switched(from: RedisHost("a", 1), to: RedisHost("b", 2))
            try await waitUntil {
                _ = try await sentinel.command(RedisCommand("PUBLISH", "+switch-master", "shop a 1 b 2"))
                return news.values.contains(switched)
            }
            #expect(watch.isRetired(RedisHost("a", 1)))
            #expect(!watch.isRetired(RedisHost("b", 2)))
            // Whoever missed a message does not know who was replaced.
            _ = try await sentinel.command(RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"))
            try await waitUntil { news.values.contains(.gap) }
            #expect(!watch.isRetired(RedisHost("a", 1)))
            await watch.close()
            await proxy.stop()
        }
    }
}
