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
            // What finishes something that was begun is sent all the same.
            #expect(await client.finishing { await ping(client) } == nil)
            #expect(await ping(client)?.code == .unavailable)
            await client.close()
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
