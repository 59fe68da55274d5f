import FaultInjection
import LabProcesses
import LabTesting
import Testing

@testable import RedisClient

@Suite("A transaction")
struct TransactionTests {
    private typealias Outcome = RedisTransactionOutcome<String>

    /// A limit that passes here is a hang, not a slow machine.
    private static let patient = RedisClient.Limits(
        connect: .seconds(60), command: .seconds(60), dedicatedConnections: 2)

    private func withClient<Value: Sendable>(
        limits: RedisClient.Limits = patient,
        _ body: (RedisClient, RedisServerProcess) async throws -> Value
    ) async throws -> Value {
        try await withRedisServer(RedisServerOptions(listener: .tcp(port: nil))) { server in
            let client = RedisClient(server.endpoint, limits: limits)
            let value = try await body(client, server)
            await client.close()
            return value
        }
    }

    @Test("applies its commands when nobody changed a key, and gives their replies")
    func commits() async throws {
        try await withClient { client, _ in
            _ = try await client.send(RedisCommand("SET", "units", "5"))
            let outcome: Outcome = try await client.transaction(
                watching: ["units"], reading: [RedisCommand("GET", "units"), RedisCommand("GET", "none")]
            ) { values in
                #expect(values.map(\.integer) == [5, nil])
                return .commit([RedisCommand("DECR", "units"), RedisCommand("INCR", "sold")])
            }
            #expect(committed(outcome)?.map(\.integer) == [4, 1])
            #expect(try await client.send(RedisCommand("GET", "units")).integer == 4)
        }
    }

    @Test("ends in a conflict, and applies nothing, when somebody changed a watched key after the reads")
    func conflicts() async throws {
        try await withClient { client, server in
            let other = try await server.connection()
            let outcome: Outcome = try await client.transaction(
                watching: ["units"], reading: [RedisCommand("GET", "units")]
            ) { _ in
                other.sendAndBlock(RedisCommand("SET", "units", "9"))
                return .commit([RedisCommand("SET", "units", "1")])
            }
            #expect(isConflict(outcome))
            await other.close()
            #expect(try await client.send(RedisCommand("GET", "units")).integer == 9)
        }
    }

    @Test("changes nothing for a user who may not send MULTI, or EXEC", arguments: ["multi", "exec"])
    func withoutRight(command: String) async throws {
        try await withClient { client, server in
            let rules = ["SETUSER", "half", "on", ">pw", "~*", "+@all", "-\(command)"]
            _ = try await client.send(RedisCommand("ACL", rules))
            let half = RedisClient(
                try RedisEndpoint(parsing: "redis://half:pw@127.0.0.1:\(server.port)"),
                limits: Self.patient)
            for _ in 0..<3 {
                let error = await #expect(throws: RedisError.self) {
                    let _: Outcome = try await half.transaction(
                        watching: ["units"], reading: [RedisCommand("GET", "units")]
                    ) { _ in .commit([RedisCommand("INCR", "units")]) }
                }
                #expect(error?.code == .refused && error?.reply?.message.contains("NOPERM") == true)
            }
            #expect(try await client.send(RedisCommand("GET", "units")) == .null)
            await half.close()
        }
    }

    @Test("tells that nobody knows the outcome when the right to MULTI went away between two transactions")
    func rightTakenAway() async throws {
        try await withClient { client, server in
            _ = try await client.send(RedisCommand("ACL", "SETUSER", "half", "on", ">pw", "~*", "+@all"))
            let half = RedisClient(
                try RedisEndpoint(parsing: "redis://half:pw@127.0.0.1:\(server.port)"),
                limits: Self.patient)
            func increment() async throws {
                let _: Outcome = try await half.transaction(
                    watching: ["units"], reading: [RedisCommand("GET", "units")]
                ) { _ in .commit([RedisCommand("INCR", "units")]) }
            }
            try await increment()
            _ = try await client.send(RedisCommand("ACL", "SETUSER", "half", "-multi"))
            #expect(await code { try await increment() } == .outcomeUnknown)
            #expect(await code { try await increment() } == .refused)
            await half.close()
        }
    }

    @Test("that is abandoned leaves no WATCH behind for the next one on its connection")
    func abandons() async throws {
        try await withClient { client, server in
            let other = try await server.connection()
            let first: Outcome = try await client.transaction(
                watching: ["old"], reading: [RedisCommand("GET", "old")]
            ) { _ in .abandon("sold out") }
            guard case .abandoned("sold out") = first else {
                Issue.record("\(first)")
                return
            }
            // Were "old" still watched, this change would make a conflict of the next one.
            let second: Outcome = try await client.transaction(
                watching: ["new"], reading: [RedisCommand("GET", "new")]
            ) { _ in
                other.sendAndBlock(RedisCommand("SET", "old", "1"))
                return .commit([RedisCommand("INCR", "new")])
            }
            #expect(committed(second)?.map(\.integer) == [1])
            await other.close()
            try await waitUntil { try await server.normalClients() == 1 }
        }
    }

    @Test(
        "answered with an error is refused, keeps the reason, and the next one works",
        arguments: [
            // An error of a read; of a command that cannot be queued (EXECABORT); of one inside EXEC.
            ([RedisCommand("LLEN", "text")], [RedisCommand("PING")], "WRONGTYPE"),
            ([RedisCommand("GET", "text")], [RedisCommand("NONSENSE")], "ERR"),
            ([RedisCommand("GET", "text")], [RedisCommand("LPUSH", "text", "x")], "WRONGTYPE"),
        ])
    func refused(reads: [RedisCommand], writes: [RedisCommand], prefix: String) async throws {
        try await withClient { client, _ in
            _ = try await client.send(RedisCommand("SET", "text", "x"))
            let error = await #expect(throws: RedisError.self) {
                let _: Outcome = try await client.transaction(watching: ["text"], reading: reads) { _ in
                    .commit(writes)
                }
            }
            #expect(error?.code == .refused)
            #expect(error?.reply?.prefix == prefix)
            let next: Outcome = try await client.transaction(
                watching: ["text"], reading: [RedisCommand("GET", "text")]
            ) { _ in .commit([RedisCommand("INCR", "after")]) }
            #expect(committed(next)?.map(\.integer) == [1])
        }
    }

    @Test("counts exactly under contention, with fewer connections than tasks")
    func contention() async throws {
        try await withClient { client, server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        while true {
                            let outcome: Outcome = try await client.transaction(
                                watching: ["count"], reading: [RedisCommand("GET", "count")]
                            ) { values in
                                let next = (values[0].integer ?? 0) + 1
                                return .commit([RedisCommand("SET", "count", String(next))])
                            }
                            if committed(outcome) != nil { return }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.send(RedisCommand("GET", "count")).integer == 20)
            #expect(try await server.normalClients() <= 3)
            #expect(client.waitingTransactions == 0)
        }
    }

    @Test("whose reads get no reply is not unknown: nothing was written")
    func lostRead() async throws {
        try await withClient { _, server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: Self.patient)
            proxy.set(.cutBeforeReply)
            let error = await #expect(throws: RedisError.self) {
                let _: Outcome = try await client.transaction(
                    watching: ["a"], reading: [RedisCommand("GET", "a")]
                ) { _ in .commit([RedisCommand("INCR", "a")]) }
            }
            #expect(error?.code == .unavailable)
            await client.close()
            await proxy.stop()
        }
    }

    @Test("whose kept connection was lost while idle reads again on a new one")
    func lostWhileIdle() async throws {
        try await withClient { client, server in
            for count in 1...2 {
                let outcome: Outcome = try await client.transaction(
                    watching: ["a"], reading: [RedisCommand("GET", "a")]
                ) { _ in .commit([RedisCommand("INCR", "a")]) }
                #expect(committed(outcome)?.map(\.integer) == [Int64(count)])
                try await server.command(RedisCommand("CLIENT", "KILL", "TYPE", "normal"))
            }
        }
    }

    @Test("whose commit gets no reply has an unknown outcome, and is applied")
    func lostCommit() async throws {
        try await withClient { looker, server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: Self.patient)
            let error = await #expect(throws: RedisError.self) {
                let _: Outcome = try await client.transaction(
                    watching: ["a"], reading: [RedisCommand("GET", "a")]
                ) { _ in
                    proxy.set(.cutNextReply)
                    return .commit([RedisCommand("INCR", "a")])
                }
            }
            #expect(error?.code == .outcomeUnknown)
            #expect(try await looker.send(RedisCommand("GET", "a")).integer == 1)
            await client.close()
            await proxy.stop()
        }
    }

    @Test(
        "that is cancelled while its reads or its commit are on their way returns at once and closes its connection",
        arguments: [true, false])
    func cancelled(inReads: Bool) async throws {
        try await withClient { _, server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: Self.patient)
            if inReads { proxy.set(.holdReplies) }
            let task = Task { () async -> RedisError.Code? in
                await code {
                    let _: Outcome = try await client.transaction(
                        watching: ["a"], reading: [RedisCommand("GET", "a")]
                    ) { _ in
                        proxy.set(.holdReplies)
                        return .commit([RedisCommand("INCR", "a")])
                    }
                }
            }
            try await waitUntil { proxy.repliesSeen == (inReads ? 1 : 2) }
            task.cancel()
            #expect(await task.value == .cancelled)
            // Its connection does not come back: the server forgets WATCH with it.
            try await waitUntil { try await server.normalClients() == 0 }
            proxy.set(.pass)
            let next: Outcome = try await client.transaction(
                watching: ["a"], reading: [RedisCommand("GET", "a")]
            ) { _ in .commit([RedisCommand("INCR", "a")]) }
            #expect(committed(next)?.map(\.integer) == [inReads ? 1 : 2])
            await client.close()
            await proxy.stop()
        }
    }

    @Test("waits in line for a connection; one that is cancelled there leaves no waiter and disturbs nobody")
    func cancelledWaiter() async throws {
        try await withClient { looker, server in
            let proxy = try await FaultProxy.start(upstreamPort: server.port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: Self.patient)
            proxy.set(.holdReplies)
            @Sendable func start() -> Task<RedisError.Code?, Never> {
                Task {
                    await code {
                        let _: Outcome = try await client.transaction(
                            watching: [], reading: [RedisCommand("INCR", "reads")]
                        ) { _ in .abandon("") }
                    }
                }
            }
            // Two have a connection, two wait. Those who wait are cancelled first: the end of another one
            // would let them in.
            let holders = [start(), start()]
            try await waitUntil { proxy.repliesSeen == 2 }
            let waiters = [start(), start()]
            try await waitUntil { client.waitingTransactions == 2 }
            for tasks in [waiters, holders] {
                for task in tasks { task.cancel() }
                for task in tasks { #expect(await task.value == .cancelled) }
            }
            #expect(client.waitingTransactions == 0)
            proxy.set(.pass)
            let last = await code {
                let _: Outcome = try await client.transaction(
                    watching: [], reading: [RedisCommand("INCR", "reads")]
                ) { _ in .abandon("") }
            }
            #expect(last == nil)
            #expect(try await looker.send(RedisCommand("GET", "reads")).integer == 3)
            await client.close()
            await proxy.stop()
        }
    }

    @Test("that finds no free connection within the time limit says so, and one nobody serves is unavailable")
    func limits() async throws {
        let limits = RedisClient.Limits(
            connect: .seconds(60), command: .seconds(1), dedicatedConnections: 1)
        try await withClient(limits: limits) { client, server in
            _ = try await client.send(RedisCommand("PING"))
            server.pause()
            let codes = await withTaskGroup(of: RedisError.Code?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        await code {
                            let _: Outcome = try await client.transaction(
                                watching: ["a"], reading: []
                            ) { _ in .abandon("") }
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == [.timedOut, .timedOut, .timedOut])
            server.resume()
            await client.close()
            let late = await code {
                let _: Outcome = try await client.transaction(watching: [], reading: []) { _ in .abandon("") }
            }
            #expect(late == .unavailable)
        }
    }

    @Test("keeps its time limit on a connection that an abandoned one used before")
    func limitAfterAbandoned() async throws {
        let limits = RedisClient.Limits(
            connect: .seconds(60), command: .seconds(2), dedicatedConnections: 1)
        try await withClient(limits: limits) { client, server in
            let first: Outcome = try await client.transaction(watching: ["a"], reading: []) { _ in
                .abandon("")
            }
            guard case .abandoned = first else {
                Issue.record("\(first)")
                return
            }
            server.pause()
            let second = await code {
                let _: Outcome = try await client.transaction(watching: ["a"], reading: []) { _ in
                    .abandon("")
                }
            }
            #expect(second == .timedOut)
            server.resume()
        }
    }

    private func committed(_ outcome: Outcome) -> [RESPValue]? {
        if case .committed(let replies) = outcome { replies } else { nil }
    }

    private func isConflict(_ outcome: Outcome) -> Bool {
        if case .conflict = outcome { true } else { false }
    }
}

/// The code of the Redis error that `body` throws; nil when it throws none.
func code(_ body: () async throws -> Void) async -> RedisError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? RedisError)?.code
    }
}
