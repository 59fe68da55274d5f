import FaultInjection
import LabProcesses
import LabTesting
import Synchronization
import Testing

@testable import RedisClient

@Suite("A subscription")
struct SubscriptionTests {
    /// A limit that passes here is a hang, not a slow machine.
    private static let patient = RedisClient.Limits(
        connect: .seconds(60), command: .seconds(60), reconnectBase: .milliseconds(1),
        reconnectCap: .milliseconds(1))

    private func withClient(
        _ body: (RedisClient, RedisServerProcess) async throws -> Void
    ) async throws {
        try await withRedisServer(RedisServerOptions(listener: .tcp(port: nil))) { server in
            let client = RedisClient(server.endpoint, limits: Self.patient)
            try await body(client, server)
            await client.close()
            try await waitUntil { try await server.listeningClients() == 0 }
        }
    }

    private func subscribers(_ server: RedisServerProcess, _ channel: String) async throws -> Int64? {
        try await server.command(RedisCommand("PUBSUB", "NUMSUB", channel)).array?.last?.integer
    }

    @Test("is told every message that is published after it stands, in order")
    func delivers() async throws {
        try await withClient { client, server in
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            for number in 0..<100 {
                #expect(try await client.send(RedisCommand("PUBLISH", "news", "\(number)")).integer == 1)
            }
            try await waitUntil { seen.events.count == 100 }
            #expect(seen.events == (0..<100).map { .message("\($0)") })
            await subscription.cancel()
        }
    }

    @Test("shares its channel and its connection; the last one to leave ends both")
    func shares() async throws {
        try await withClient { client, server in
            let (first, second, other) = (EventLog(), EventLog(), EventLog())
            let one = try await client.subscribe(to: "news", onEvent: first.add)
            let two = try await client.subscribe(to: "news", onEvent: second.add)
            let three = try await client.subscribe(to: "other", onEvent: other.add)
            #expect(try await server.listeningClients() == 1)
            #expect(try await subscribers(server, "news") == 1)
            try await server.command(RedisCommand("PUBLISH", "news", "both"))
            try await waitUntil { first.events == [.message("both")] && second.events == first.events }
            await one.cancel()
            await one.cancel()
            try await server.command(RedisCommand("PUBLISH", "news", "one"))
            try await waitUntil { second.events.last == .message("one") }
            #expect(first.events.count == 1)
            #expect(other.events.isEmpty)
            await two.cancel()
            try await waitUntil { try await subscribers(server, "news") == 0 }
            #expect(try await server.listeningClients() == 1)
            await three.cancel()
            try await waitUntil { try await server.listeningClients() == 0 }
            // And from the start again.
            let again = try await client.subscribe(to: "news", onEvent: first.add)
            try await server.command(RedisCommand("PUBLISH", "news", "again"))
            try await waitUntil { first.events.last == .message("again") }
            await again.cancel()
        }
    }

    @Test("whose connection is killed is told of the gap, and hears again after it (redisson #5761)")
    func reconnects() async throws {
        try await withClient { client, server in
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            for round in 1...3 {
                try await server.command(RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"))
                try await waitUntil { seen.events.last == .restored }
                try await server.command(RedisCommand("PUBLISH", "news", "\(round)"))
                try await waitUntil { seen.events.last == .message("\(round)") }
            }
            #expect(
                seen.events
                    == (1...3).flatMap { [.interrupted, .restored, .message("\($0)")] })
            await subscription.cancel()
        }
    }

    @Test("survives a server that is away for a while, and is refused while it is away")
    func serverAway() async throws {
        try await withClient { client, server in
            let seen = EventLog()
            let subscription = try await client.subscribe(to: "news", onEvent: seen.add)
            await server.kill()
            try await waitUntil { seen.events == [.interrupted] }
            #expect(await code { _ = try await client.subscribe(to: "other") { _ in } } == .unavailable)
            try await server.restart()
            try await waitUntil { seen.events == [.interrupted, .restored] }
            #expect(try await subscribers(server, "news") == 1)
            await subscription.cancel()
        }
    }

    @Test("that is cancelled before, while connecting, or while the server is silent leaves nothing behind")
    func cancelled() async throws {
        try await withClient { looker, server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: Self.patient)
            let before = Task { () async -> RedisError.Code? in
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                return await code { _ = try await client.subscribe(to: "news") { _ in } }
            }
            #expect(await before.value == .cancelled)
            let connecting = Task { () async -> RedisError.Code? in
                await code { _ = try await client.subscribe(to: "news") { _ in } }
            }
            connecting.cancel()
            #expect(await connecting.value == .cancelled)
            proxy.set(.holdReplies)
            let confirming = Task { () async -> RedisError.Code? in
                await code { _ = try await client.subscribe(to: "news") { _ in } }
            }
            try await waitUntil { try await subscribers(server, "news") == 1 }
            confirming.cancel()
            #expect(await confirming.value == .cancelled)
            try await waitUntil { try await server.listeningClients() == 0 }
            #expect(try await subscribers(server, "news") == 0)
            proxy.set(.pass)
            await client.close()
            await proxy.stop()
        }
    }

    @Test("one of two that is cancelled while both wait does not disturb the other")
    func cancelledBeside() async throws {
        try await withClient { looker, server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: Self.patient)
            let seen = EventLog()
            proxy.set(.holdReplies)
            let tasks = (0..<2).map { _ in
                Task { try await client.subscribe(to: "news", onEvent: seen.add) }
            }
            try await waitUntil { try await subscribers(server, "news") == 1 }
            tasks[0].cancel()
            #expect(await code { _ = try await tasks[0].value } == .cancelled)
            proxy.set(.pass)
            let subscription = try await tasks[1].value
            _ = try await looker.send(RedisCommand("PUBLISH", "news", "x"))
            try await waitUntil { seen.events == [.message("x")] }
            await subscription.cancel()
            await client.close()
            await proxy.stop()
        }
    }

    @Test("is refused with the server's reason when the user may not listen")
    func refused() async throws {
        try await withClient { client, server in
            _ = try await client.send(RedisCommand("ACL", "SETUSER", "default", "resetchannels", "&open"))
            #expect(await code { _ = try await client.subscribe(to: "closed") { _ in } } == .refused)
            let subscription = try await client.subscribe(to: "open") { _ in }
            await subscription.cancel()
        }
    }

    @Test("that gets no confirmation in time says so")
    func late() async throws {
        try await withRedisServer(RedisServerOptions(listener: .tcp(port: nil))) { server in
            let client = RedisClient(server.endpoint, limits: .init(command: .milliseconds(200)))
            server.pause()
            #expect(await code { _ = try await client.subscribe(to: "news") { _ in } } == .timedOut)
            server.resume()
            await client.close()
            #expect(await code { _ = try await client.subscribe(to: "news") { _ in } } == .unavailable)
            try await waitUntil { try await server.listeningClients() == 0 }
        }
    }

    @Test("finds out by itself that a server fell silent, without a lost connection")
    func silence() async throws {
        try await withRedisServer(RedisServerOptions(listener: .tcp(port: nil))) { server in
            let limits = RedisClient.Limits(
                command: .seconds(2), idlePing: .milliseconds(50))
            let client = RedisClient(server.endpoint, limits: limits)
            let seen = EventLog()
            _ = try await client.subscribe(to: "news", onEvent: seen.add)
            server.pause()
            try await waitUntil { seen.events == [.interrupted] }
            server.resume()
            try await waitUntil { seen.events == [.interrupted, .restored] }
            await client.close()
        }
    }
}

/// What a subscriber was told, in order.
final class EventLog: Sendable {
    private let log = Mutex<[RedisSubscriptionEvent]>([])

    var events: [RedisSubscriptionEvent] { log.withLock { $0 } }

    @Sendable func add(_ event: RedisSubscriptionEvent) {
        log.withLock { $0.append(event) }
    }
}
