import FaultInjection
import LabProcesses
import LabTesting
import RedisClient
import Testing

/// A real server that stands still below a client that leaves it alone then.
@Suite("A server that is left alone", .timeLimit(.minutes(5)))
struct CircuitTests {
    private func limits(_ circuit: RedisClient.CircuitPolicy?) -> RedisClient.Limits {
        RedisClient.Limits(
            connect: .seconds(60), command: .seconds(5), reconnectBase: .milliseconds(1),
            reconnectCap: .milliseconds(1), circuit: circuit)
    }

    /// - Returns: How a command ended; nil: it was answered.
    private func ping(_ client: RedisClient) async -> RedisError? {
        do throws(RedisError) {
            _ = try await client.send(RedisCommand("PING"))
            return nil
        } catch {
            return error
        }
    }

    @Test("is not waited for by the calls that come, and is asked again when it goes on")
    func hangs() async throws {
        try await withRedisServer { server in
            let client = RedisClient(
                server.endpoint,
                limits: limits(.init(silentCalls: 4, pauseBase: .seconds(600), pauseCap: .seconds(600))))
            #expect(await ping(client) == nil)
            #expect(client.serversLeftAlone == 0)
            server.pause()
            let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
                for _ in 0..<4 { group.addTask { await ping(client)?.code } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.allSatisfy { $0 == .outcomeUnknown || $0 == .timedOut }, "\(codes)")
            #expect(client.serversLeftAlone == 1)
            let refused = await ping(client)
            #expect(refused?.code == .unavailable)
            #expect(refused?.context.contains("is left alone") == true)
            // A transaction is refused before it waits for a connection.
            let transaction = await #expect(throws: RedisError.self) {
                try await client.transaction(watching: ["a"], reading: []) { _ in
                    RedisTransactionStep<Never>.commit([])
                }
            }
            #expect(transaction?.context.contains("is left alone") == true)
            server.resume()
            #expect(await ping(client)?.code == .unavailable)
            // What finishes something that was begun is sent all the same, and its reply lets all through.
            #expect(await client.finishing { await ping(client) } == nil)
            #expect(await ping(client) == nil)
            #expect(client.serversLeftAlone == 0)
            await client.close()
        }
    }

    @Test("is not left alone because many calls waited on one connection that was lost")
    func oneLoss() async throws {
        try await withRedisServer { server in
            let look = RedisClient(server.endpoint, limits: .patient)
            let client = RedisClient(
                server.endpoint,
                limits: .init(
                    connect: .seconds(60), command: .seconds(600), idlePing: .seconds(600),
                    circuit: .init(silentCalls: 2, pauseBase: .seconds(600), pauseCap: .seconds(600))))
            #expect(await ping(client) == nil)
            let number = try await client.send(RedisCommand("CLIENT", "ID")).integer ?? 0
            let wait = RedisCommand("BLPOP", "nothing", "0")
            let codes = try await withThrowingTaskGroup(of: RedisError.Code?.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        do throws(RedisError) {
                            _ = try await client.send(wait)
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                // One blocks the connection; the nine behind it wait in the server's buffer.
                let bytes = 9 * "*3\r\n$5\r\nBLPOP\r\n$7\r\nnothing\r\n$1\r\n0\r\n".utf8.count
                try await waitUntil {
                    let list = try await look.send(RedisCommand("CLIENT", "LIST", "ID", "\(number)")).string
                    let match = (list ?? "").firstMatch(of: /flags=b .* qbuf=([0-9]+)/)
                    return (match.flatMap { Int($0.1) } ?? 0) >= bytes
                }
                _ = try await look.send(RedisCommand("CLIENT", "KILL", "ID", "\(number)"))
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == Array(repeating: .outcomeUnknown, count: 10))
            #expect(client.serversLeftAlone == 0)
            #expect(await ping(client) == nil)
            await client.close()
            await look.close()
        }
    }

    @Test("is tried by one call after the pause, whose reply lets all others through")
    func comesBack() async throws {
        try await withRedisServer { server in
            let client = RedisClient(
                server.endpoint,
                limits: limits(
                    .init(silentCalls: 2, pauseBase: .milliseconds(10), pauseCap: .milliseconds(10))))
            #expect(await ping(client) == nil)
            server.pause()
            while client.serversLeftAlone == 0 { _ = await ping(client) }
            server.resume()
            try await waitUntil { await ping(client) == nil }
            #expect(client.serversLeftAlone == 0)
            await client.close()
        }
    }

    @Test("is left alone for itself: another server of the same process is asked as before")
    func oneOfTwo() async throws {
        try await withRedisServer { good in
            try await withRedisServer { bad in
                let policy = RedisClient.CircuitPolicy(
                    silentCalls: 1, pauseBase: .seconds(600), pauseCap: .seconds(600))
                let clients = [good, bad].map { RedisClient($0.endpoint, limits: limits(policy)) }
                for client in clients { #expect(await ping(client) == nil) }
                bad.pause()
                #expect(await ping(clients[1]) != nil)
                #expect(await ping(clients[0]) == nil)
                #expect(clients.map(\.serversLeftAlone) == [0, 1])
                bad.resume()
                for client in clients { await client.close() }
            }
        }
    }

    @Test("finds out that idle connections were forgotten without a word: the next call meets none of them")
    func forgotten() async throws {
        try await withRedisServer(RedisServerOptions(listener: .tcp(port: nil))) { server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)),
                limits: .init(
                    connect: .seconds(60), command: .seconds(3), idlePing: .milliseconds(100)))
            let events = Recorder<RedisSubscriptionEvent>()
            _ = try await client.subscribe(to: "news") { events.note($0) }
            #expect(await ping(client) == nil)
            // Transactions at once have connections of their own.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<30 { group.addTask { await transact(client) } }
            }
            #expect(proxy.connections > 4)
            proxy.set(.swallowCommands)
            // But for the subscription, which is made again and again.
            try await waitUntil { proxy.connections <= 1 }
            proxy.set(.pass)
            #expect(await ping(client) == nil)
            await transact(client)
            try await waitUntil { events.values.last == .restored }
            await client.close()
            await proxy.stop()
        }
    }

    /// One transaction that reads, and commits nothing.
    private func transact(_ client: RedisClient) async {
        do {
            _ = try await client.transaction(watching: ["a"], reading: [RedisCommand("GET", "a")]) { _ in
                RedisTransactionStep<Never>.commit([RedisCommand("INCR", "b")])
            }
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("is always asked by a client without a policy")
    func off() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: limits(nil))
            #expect(await ping(client) == nil)
            server.pause()
            let error = await ping(client)
            #expect(error?.context.contains("is left alone") == false)
            #expect(client.serversLeftAlone == 0)
            server.resume()
            await client.close()
        }
    }
}
