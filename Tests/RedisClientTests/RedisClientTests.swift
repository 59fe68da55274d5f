import FaultInjection
import LabProcesses
import LabTesting
import Testing

@testable import RedisClient

@Suite("The Redis client")
struct RedisClientTests {
    /// A limit that passes here is a hang, not a slow machine.
    private let patient = RedisClient.Limits(connect: .seconds(60), command: .seconds(60))

    @Test(
        "answers each of 200 tasks with its own reply, over TCP and over a Unix socket",
        arguments: [true, false])
    func pipelines(overTCP: Bool) async throws {
        let options = RedisServerOptions(listener: overTCP ? .tcp(port: nil) : .unixSocket)
        try await withRedisServer(options) { server in
            let client = RedisClient(server.endpoint, limits: patient)
            let replies = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
                for number in 0..<200 {
                    group.addTask {
                        (number, try await client.send(RedisCommand("ECHO", "reply \(number)")).string)
                    }
                }
                return try await group.reduce(into: [Int: String?]()) { $0[$1.0] = $1.1 }
            }
            #expect(replies.count == 200)
            #expect(replies.allSatisfy { $0.value == "reply \($0.key)" })
            // All of it went over one connection.
            let info = try await client.send(RedisCommand("INFO", "stats")).string ?? ""
            #expect(info.contains("total_connections_received:2\r\n"), "the other one is the start's PING")
            await client.close()
        }
    }

    @Test("sends a script's text once when the server does not know it")
    func scriptText() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: patient)
            let script = RedisScript(name: "add", source: "return ARGV[1] + 1")
            #expect(try await client.run(script, keys: [], arguments: ["4"]).commandsSent == 2)
            #expect(
                try await client.run(script, keys: [], arguments: ["5"])
                    == RedisScriptReply(value: .integer(6), commandsSent: 1))
            _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
            #expect(try await client.run(script, keys: [], arguments: ["4"]).commandsSent == 2)
            await client.close()
        }
    }

    @Test("does not run a script again after any other error (rate-limit-redis #252)")
    func scriptErrorIsNotReplayed() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: patient)
            let script = RedisScript(
                name: "fail", source: "redis.call('INCR', KEYS[1]) return redis.error_reply('OOM no')")
            let error = await #expect(throws: RedisError.self) {
                try await client.run(script, keys: ["runs"], arguments: [])
            }
            #expect(error?.code == .refused)
            #expect(error?.reply?.prefix == "OOM")
            let runs = try await client.send(RedisCommand("GET", "runs"))
            #expect(runs.integer == 1)
            await client.close()
        }
    }

    @Test("a cancelled task returns at once and the connection stays in step (redis-py: lost replies)")
    func cancellation() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: .init(command: .seconds(60)))
            let blocked = Task { () async -> RedisError.Code? in
                do throws(RedisError) {
                    _ = try await client.send(RedisCommand("BLPOP", "nothing", "5"))
                    return nil
                } catch {
                    return error.code
                }
            }
            let observer = RedisClient(server.endpoint, limits: patient)
            try await waitUntil {
                let info = try await observer.send(RedisCommand("INFO", "clients")).string ?? ""
                return info.contains("blocked_clients:1\r\n")
            }
            blocked.cancel()
            #expect(await blocked.value == .cancelled)
            // The reply of BLPOP comes late and is dropped; the next command gets its own.
            _ = try await observer.send(RedisCommand("RPUSH", "nothing", "late"))
            #expect(try await client.send(RedisCommand("ECHO", "mine")).string == "mine")
            await client.close()
            await observer.close()
        }
    }

    @Test("a task that is cancelled before it sends, sends nothing")
    func cancelledBefore() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: patient)
            _ = try await client.send(RedisCommand("PING"))
            let code = await Task { () async -> RedisError.Code? in
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                do throws(RedisError) {
                    _ = try await client.send(RedisCommand("INCR", "counter"))
                    return nil
                } catch {
                    return error.code
                }
            }.value
            #expect(code == .cancelled)
            #expect(try await client.send(RedisCommand("GET", "counter")) == .null)
            await client.close()
        }
    }

    @Test("a reply that is late is reported as unknown and never answers another command (hiredis #306)")
    func lateReply() async throws {
        try await withRedisServer { server in
            let port = server.port
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let limits = RedisClient.Limits(connect: .seconds(60), command: .seconds(2))
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: limits)
            _ = try await client.send(RedisCommand("SET", "units", "9"))
            proxy.set(.holdReplies)
            let error = await #expect(throws: RedisError.self) {
                try await client.send(RedisCommand("DECR", "units"))
            }
            #expect(error?.code == .outcomeUnknown)
            proxy.set(.pass)
            #expect(try await client.send(RedisCommand("ECHO", "mine")).string == "mine")
            #expect(try await client.send(RedisCommand("GET", "units")).integer == 8, "it was applied")
            await client.close()
            await proxy.stop()
        }
    }

    @Test("a command whose connection is cut before the reply has an unknown outcome, and the next one works")
    func lostReply() async throws {
        try await withRedisServer { server in
            let port = server.port
            let proxy = try await FaultProxy.start(upstreamPort: port)
            let client = RedisClient(
                RedisEndpoint(.tcp(host: "127.0.0.1", port: proxy.port)), limits: patient)
            _ = try await client.send(RedisCommand("PING"))
            proxy.set(.cutBeforeReply)
            let error = await #expect(throws: RedisError.self) {
                try await client.send(RedisCommand("INCR", "sold"))
            }
            #expect(error?.code == .outcomeUnknown)
            proxy.set(.pass)
            #expect(try await client.send(RedisCommand("GET", "sold")).integer == 1)
            await client.close()
            await proxy.stop()
        }
    }

    @Test("nobody listens: unavailable, at once while it rests between attempts, and back when the server is")
    func unavailable() async throws {
        let server = try await RedisServerProcess.start()
        await server.kill()
        let client = RedisClient(
            server.endpoint, limits: .init(reconnectBase: .seconds(600), reconnectCap: .seconds(600)))
        for _ in 0..<2 {
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
            #expect(error?.code == .unavailable)
            #expect(error?.context.contains(server.endpoint.description) == true)
        }
        try await server.restart()
        // Still resting: the server was left alone.
        await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
        let eager = RedisClient(
            server.endpoint, limits: .init(reconnectBase: .zero, reconnectCap: .zero))
        #expect(try await eager.send(RedisCommand("PING")) == .simpleString("PONG"))
        await server.kill()
        await #expect(throws: RedisError.self) { try await eager.send(RedisCommand("PING")) }
        try await server.restart()
        #expect(try await eager.send(RedisCommand("PING")) == .simpleString("PONG"))
        await client.close()
        await eager.close()
        await server.stop()
    }

    @Test("a server that is not Redis is named as such")
    func notRedis() async throws {
        let server = try await SpeakingServer.start(greeting: "SSH-2.0-OpenSSH\r\n")
        let client = RedisClient(RedisEndpoint(.tcp(host: "127.0.0.1", port: server.port)))
        let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
        #expect(error?.code == .protocolViolation || error?.code == .unavailable)
        await client.close()
        await server.stop()
    }

    @Test("a password is sent, a wrong one is told, and the database is selected")
    func authenticates() async throws {
        let options = RedisServerOptions(listener: .unixSocket)
        try await withRedisServer(options) { server in
            let open = RedisClient(server.endpoint, limits: patient)
            _ = try await open.send(RedisCommand("CONFIG", "SET", "requirepass", "right"))
            guard case .unixSocket(let path) = server.endpoint.address else { return }
            let good = RedisClient(
                RedisEndpoint(.unixSocket(path: path), password: Secret("right"), database: 3))
            _ = try await good.send(RedisCommand("SET", "where", "three"))
            #expect(try await open.send(RedisCommand("GET", "where")) == .null)
            let bad = RedisClient(RedisEndpoint(.unixSocket(path: path), password: Secret("wrong")))
            let error = await #expect(throws: RedisError.self) { try await bad.send(RedisCommand("PING")) }
            #expect(error?.code == .unavailable)
            #expect(error?.reply?.prefix == "WRONGPASS")
            for client in [open, good, bad] { await client.close() }
        }
    }

    @Test("after close every command is unavailable")
    func closed() async throws {
        try await withRedisServer { server in
            let client = RedisClient(server.endpoint, limits: patient)
            _ = try await client.send(RedisCommand("PING"))
            await client.close()
            let error = await #expect(throws: RedisError.self) { try await client.send(RedisCommand("PING")) }
            #expect(error?.code == .unavailable)
        }
    }

    @Test(
        "a reply that is nested too deep, or too long, ends the connection and not the program (CVE-2021-32765)",
        arguments: [
            // Arrays in arrays, made by Redis itself; the eighth level is one too many.
            RedisCommand("EVAL", "return {{{{{{{{{1}}}}}}}}}", "0"),
            RedisCommand("EVAL", "return string.rep('x', 100000)", "0"),
        ])
    func hostileReplies(command: RedisCommand) async throws {
        try await withRedisServer { server in
            var limits = patient
            limits.replyBytes = 50_000
            let client = RedisClient(server.endpoint, limits: limits)
            let first = try await client.send(RedisCommand("CLIENT", "ID")).integer
            let error = await #expect(throws: RedisError.self) { try await client.send(command) }
            #expect(error?.code == .protocolViolation)
            #expect(try await client.send(RedisCommand("CLIENT", "ID")).integer != first)
            await client.close()
        }
    }

    @Test("seven levels of a reply, and a reply just below the limit, are read")
    func largeReplies() async throws {
        try await withRedisServer { server in
            var limits = patient
            limits.replyBytes = 50_000
            let client = RedisClient(server.endpoint, limits: limits)
            var value = try await client.send(RedisCommand("EVAL", "return {{{{{{{1}}}}}}}", "0"))
            for _ in 0..<7 { value = try #require(value.array?.first) }
            #expect(value == .integer(1))
            let text = try await client.send(RedisCommand("EVAL", "return string.rep('x', 49000)", "0"))
            #expect(text.string?.utf8.count == 49_000)
            await client.close()
        }
    }

    @Test("the pause between attempts to connect grows, is capped, and has jitter at the cap")
    func reconnectPause() {
        let policy = ReconnectPolicy(base: .milliseconds(20), cap: .seconds(1))
        #expect(policy.pause(afterFailures: 1, jitter: 1) == .milliseconds(20))
        #expect(policy.pause(afterFailures: 2, jitter: 1) == .milliseconds(40))
        #expect(policy.pause(afterFailures: 60, jitter: 1) == .seconds(1))
        #expect(policy.pause(afterFailures: 60, jitter: 0) == .milliseconds(500))
    }
}
