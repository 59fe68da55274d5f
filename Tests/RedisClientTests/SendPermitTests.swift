import LabProcesses
import LabTesting
import RedisClient
import Synchronization
import Testing

/// Of the kind: somebody looked whether he may write, and the call waited before it sent.
@Suite("What may not leave any more")
struct SendPermitTests {
    @Test("a command is not sent, and its error says so")
    func command() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .patient)
            let error = await SendPermit.$isValid.withValue({ false }) {
                await failure { () throws(RedisError) in try await client.send(RedisCommand("SET", "k", "v"))
                }
            }
            #expect(error?.code == .timedOut && error?.commandsSent == 0)
            let written = try await client.send(RedisCommand("EXISTS", "k"))
            #expect(written.integer == 0)
            // Others are not asked.
            _ = try await client.send(RedisCommand("SET", "k", "v"))
            await client.close()
        }
    }

    @Test("the text of a script does not follow its unknown digest when the permit has ended meanwhile")
    func text() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .patient)
            let script = RedisScript(name: "write", source: "return redis.call('SET', KEYS[1], 'v')")
            let looks = Mutex(0)
            let first: @Sendable () -> Bool = {
                looks.withLock { looks in
                    looks += 1
                    return looks == 1
                }
            }
            let error = await SendPermit.$isValid.withValue(first) {
                await failure { () throws(RedisError) in
                    try await client.run(script, keys: ["k"], arguments: [])
                }
            }
            #expect(error?.code == .timedOut && error?.commandsSent == 1)
            #expect(looks.withLock { $0 } == 2)
            let written = try await client.send(RedisCommand("EXISTS", "k"))
            #expect(written.integer == 0)
            await client.close()
        }
    }

    @Test("a command that has waited for its connection is asked after the wait")
    func wait() async throws {
        try await withRedisServer { server in
            // The first command waits for the connection, and that for the server's name.
            let client = RedisClient(server.endpoint, limits: .patient, watchesServers: true)
            let isValid = Atomic(true)
            server.pause()
            let error = await SendPermit.$isValid.withValue({
                isValid.load(ordering: .sequentiallyConsistent)
            }) {
                async let sent = failure { () throws(RedisError) in
                    try await client.send(RedisCommand("SET", "k", "v"))
                }
                try? await Task.sleep(for: .milliseconds(50))
                isValid.store(false, ordering: .sequentiallyConsistent)
                server.resume()
                return await sent
            }
            #expect(error?.code == .timedOut && error?.commandsSent == 0)
            let written = try await client.send(RedisCommand("EXISTS", "k"))
            #expect(written.integer == 0)
            await client.close()
        }
    }
}
