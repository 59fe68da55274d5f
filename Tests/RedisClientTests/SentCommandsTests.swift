import LabProcesses
import LabTesting
import RedisClient
import Testing

@Suite("What an error says was sent")
struct SentCommandsTests {
    @Test("a script whose text had to be sent and that fails was two commands, and one the next time")
    func script() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .patient)
            let script = RedisScript(name: "fail", source: "return redis.error_reply('OOM no')")
            for expected in [2, 1] {
                let error = await failure { () throws(RedisError) in
                    try await client.run(script, keys: [], arguments: [])
                }
                #expect(error?.code == .refused && error?.commandsSent == expected)
            }
            await client.close()
            let late = await failure { () throws(RedisError) in
                try await client.run(script, keys: [], arguments: [])
            }
            #expect(late?.code == .unavailable && late?.commandsSent == 0)
        }
    }

    @Test(
        "a task that is cancelled while it waits has sent its command, one that was cancelled before has not")
    func cancelled() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .patient)
            let beside = RedisClient(server.endpoint, limits: .patient)
            _ = try await client.send(RedisCommand("PING"))
            let before = await Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                return await failure { () throws(RedisError) in
                    try await client.send(RedisCommand("PING"))
                }
            }.value
            #expect(before?.code == .cancelled && before?.commandsSent == 0)
            let blocked = Task {
                await failure { () throws(RedisError) in
                    try await client.send(RedisCommand("BLPOP", "nothing", "0"))
                }
            }
            try await waitUntil {
                try await beside.send(RedisCommand("INFO", "clients")).string?
                    .contains("blocked_clients:1") == true
            }
            blocked.cancel()
            let after = await blocked.value
            #expect(after?.code == .cancelled && after?.commandsSent == 1)
            await client.close()
            await beside.close()
        }
    }

    @Test("a transaction that fails says both halves, or the first alone")
    func transaction() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .patient)
            _ = try await client.send(RedisCommand("SET", "text", "no list"))
            func run(_ read: RedisCommand) async -> RedisError? {
                await failure { () throws(RedisError) -> RedisTransactionOutcome<Never> in
                    try await client.transaction(watching: ["text"], reading: [read]) { _ in
                        .commit([RedisCommand("LPUSH", "text", "a")])
                    }
                }
            }
            // WATCH, GET, MULTI, LPUSH, EXEC.
            let commit = await run(RedisCommand("GET", "text"))
            #expect(commit?.code == .refused && commit?.commandsSent == 5)
            let read = await run(RedisCommand("LLEN", "text"))
            #expect(read?.code == .refused && read?.commandsSent == 2)
            await client.close()
        }
    }
}
