import FaultInjection
import LabProcesses
import RedisClient
import Testing

@Suite("The proxy of faults", .timeLimit(.minutes(2)))
struct FaultProxyOrderTests {
    @Test("keeps the order of replies while delays come and go")
    func order() async throws {
        try await withRedisServer { server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                try RedisEndpoint(parsing: "redis://127.0.0.1:\(proxy.port)"),
                limits: .init(connect: .seconds(2), command: .seconds(5)))
            let changing = Task {
                while !Task.isCancelled {
                    proxy.set(.delayReplies(from: .zero, upTo: .milliseconds(3)))
                    try? await Task.sleep(for: .milliseconds(4))
                    proxy.heal()
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        var wrong = 0
                        for number in 0..<400 {
                            let text = "\(task):\(number)"
                            let reply = try await client.send(RedisCommand("ECHO", text)).string
                            if reply != text { wrong += 1 }
                        }
                        return wrong
                    }
                }
                return try await group.reduce(0, +)
            }
            changing.cancel()
            await changing.value
            #expect(wrong == 0)
            await client.close()
            await proxy.stop()
        }
    }

    @Test("vanishes after so many replies: every connection is cut, none is accepted, the command arrived")
    func vanishes() async throws {
        try await withRedisServer { server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let limits = RedisClient.Limits(connect: .seconds(2), command: .seconds(2))
            let endpoint = try RedisEndpoint(parsing: "redis://127.0.0.1:\(proxy.port)")
            let (one, other) = (
                RedisClient(endpoint, limits: limits), RedisClient(endpoint, limits: limits)
            )
            for client in [one, other] { _ = try await client.send(RedisCommand("PING")) }
            #expect(proxy.connections == 2)
            proxy.set(.vanish(after: 1))
            #expect(try await one.send(RedisCommand("SET", "first", "1")).string == "OK")
            #expect(!proxy.isRefusing)
            await #expect(throws: RedisError.self) {
                try await one.send(RedisCommand("SET", "second", "2"))
            }
            #expect(proxy.isRefusing)
            while proxy.connections > 0 { try await Task.sleep(for: .milliseconds(1)) }
            await #expect(throws: RedisError.self) { try await other.send(RedisCommand("PING")) }
            let direct = RedisClient(server.endpoint, limits: limits)
            #expect(try await direct.send(RedisCommand("GET", "second")).string == "2")
            for client in [one, other, direct] { await client.close() }
            await proxy.stop()
        }
    }

    @Test("lets nothing through a connection that it has swallowed from")
    func swallowed() async throws {
        try await withRedisServer { server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                try RedisEndpoint(parsing: "redis://127.0.0.1:\(proxy.port)"),
                limits: .init(connect: .seconds(2), command: .milliseconds(300)))
            #expect(try await client.send(RedisCommand("ECHO", "a")).string == "a")
            proxy.set(.swallowCommands)
            await #expect(throws: RedisError.self) { try await client.send(RedisCommand("ECHO", "lost")) }
            proxy.heal()
            var replies: [String?] = []
            for number in 0..<20 {
                replies.append(try? await client.send(RedisCommand("ECHO", "\(number)")).string)
                if let last = replies.last, let reply = last { #expect(reply == "\(number)") }
            }
            #expect(replies.contains { $0 != nil })
            await client.close()
            await proxy.stop()
        }
    }
}
