import LabProcesses
import RedisClient
import Testing

@testable import Simulation

/// A model with a clock that the test sets.
final class ModelBench {
    var model = RedisModel()
    let lua = LuaInterpreter()
    var now: Int64 = 1_000_000

    func send(_ words: String..., from connection: Int = 1) throws -> RESPValue {
        try model.execute(
            RedisCommand(words[0], Array(words.dropFirst())), from: connection, at: now, lua: lua)
    }
}

@Suite("The model of Redis: keys and their ends")
struct RedisModelKeyTests {
    private let bench = ModelBench()

    @Test("a key lives through the millisecond of its end, and not longer")
    func end() throws {
        #expect(try bench.send("SET", "a", "1", "PX", "100") == .ok)
        bench.now += 100
        #expect(try bench.send("EXISTS", "a") == .one)
        #expect(try bench.send("PTTL", "a") == .zero)
        bench.now += 1
        #expect(try bench.send("EXISTS", "a") == .zero)
        #expect(try bench.send("PTTL", "a") == .integer(-2))
    }

    @Test("redis-server, too, lets a key live through the millisecond of its end")
    func endOnServer() async throws {
        // Time stands still in a script, so its first millisecond can be met; if it is missed, the key lives
        // anyway. With another rule the key would be gone nearly each time.
        let script = """
            local time = redis.call('TIME')
            local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
            redis.call('SET', 'a', '1', 'PXAT', now)
            return redis.call('EXISTS', 'a')
            """
        try await withRedisServer(RedisServerOptions(listener: .unixSocket)) { server in
            let path = "\(server.directory)/redis.sock"
            let replies = try await onThread {
                try RedisSocket(path: path).exchange(
                    Array(repeating: RedisCommand("EVAL", script, "0"), count: 100))
            }
            #expect(replies == Array(repeating: .one, count: 100))
        }
    }

    @Test(
        "a key that was seen to have ended stays gone when the clock goes back; one that nobody saw is back")
    func clockGoesBack() throws {
        _ = try bench.send("SET", "seen", "1", "PX", "100")
        _ = try bench.send("SET", "unseen", "1", "PX", "100")
        bench.now += 1_000
        #expect(try bench.send("GET", "seen") == .null)
        bench.now -= 1_000
        #expect(try bench.send("EXISTS", "seen", "unseen") == .one)
    }

    @Test("SET drops the end of a key, unless it is told to keep it")
    func setDropsEnd() throws {
        _ = try bench.send("SET", "a", "1", "PX", "100")
        _ = try bench.send("SET", "a", "2", "KEEPTTL")
        #expect(try bench.send("PTTL", "a") == .integer(100))
        _ = try bench.send("SET", "a", "3")
        #expect(try bench.send("PTTL", "a") == .integer(-1))
    }

    @Test("SET refuses a time that is not positive", arguments: ["0", "-1"])
    func noTime(time: String) throws {
        #expect(try bench.send("SET", "a", "1", "PX", time) == .invalidExpireTime(in: "set"))
        #expect(bench.model.keys(at: bench.now).isEmpty)
    }

    @Test("SET with an end that is past makes a key that is gone at once")
    func pastEnd() throws {
        #expect(try bench.send("SET", "a", "1", "PXAT", "1") == .ok)
        #expect(try bench.send("GET", "a") == .null)
    }

    @Test("PEXPIRE with no time left deletes the key", arguments: ["0", "-5"])
    func expireNow(time: String) throws {
        _ = try bench.send("SET", "a", "1")
        #expect(try bench.send("PEXPIRE", "a", time) == .one)
        #expect(try bench.send("PEXPIRE", "a", time) == .zero)
    }

    @Test("INCR keeps the end of a key")
    func incrementKeepsEnd() throws {
        _ = try bench.send("SET", "a", "1", "PX", "100")
        #expect(try bench.send("INCR", "a") == .integer(2))
        #expect(try bench.send("PTTL", "a") == .integer(100))
    }

    @Test(
        "a number has no plus sign, no leading zero and no space",
        arguments: ["+1", "01", " 1", "1 ", "-0", ""])
    func numbers(text: String) throws {
        _ = try bench.send("SET", "a", text)
        #expect(try bench.send("INCR", "a") == .notAnInteger)
    }

    @Test("a sum beyond 64 bits is refused and changes nothing")
    func overflow() throws {
        _ = try bench.send("SET", "a", "9223372036854775807")
        #expect(try bench.send("INCR", "a") == .overflow)
        #expect(try bench.send("GET", "a") == .text("9223372036854775807"))
    }

    @Test("a command on a key of another type is refused")
    func wrongType() throws {
        _ = try bench.send("HSET", "h", "f", "1")
        #expect(try bench.send("GET", "h") == .wrongType)
        #expect(try bench.send("MGET", "h", "none") == .array([.null, .null]))
        _ = try bench.send("SET", "s", "1")
        #expect(try bench.send("HGET", "s", "f") == .wrongType)
    }

    @Test("a hash goes with its last field, and its fields keep their order")
    func hash() throws {
        #expect(try bench.send("HSET", "h", "b", "1", "a", "2") == .integer(2))
        #expect(try bench.send("HSET", "h", "b", "3") == .zero)
        #expect(try bench.send("HGETALL", "h") == .array([.text("b"), .text("3"), .text("a"), .text("2")]))
        #expect(try bench.send("HDEL", "h", "a", "b", "c") == .integer(2))
        #expect(try bench.send("EXISTS", "h") == .zero)
    }

    @Test("the dump tells type, value and end of every living key, sorted")
    func dump() throws {
        _ = try bench.send("SET", "z", "1", "PX", "100")
        _ = try bench.send("HSET", "h", "b", "1", "a", "2")
        _ = try bench.send("SET", "gone", "1", "PXAT", "1")
        #expect(bench.model.dump(at: bench.now) == ["h hash a=2 b=1", "z string 1 until 1000100"])
    }

    @Test("what the model does not know it names instead of guessing")
    func unknown() throws {
        #expect(throws: UnknownRedisCommand("command LPUSH")) { try bench.send("LPUSH", "a", "1") }
        #expect(throws: UnknownRedisCommand("option NX of PEXPIRE")) {
            try bench.send("PEXPIRE", "a", "1", "NX")
        }
        #expect(throws: UnknownRedisCommand("command LPUSH")) {
            try bench.send("EVAL", "redis.pcall('LPUSH', 'a', '1') return 1", "0")
        }
    }
}

@Suite("The model of Redis: transactions and subscriptions")
struct RedisModelConnectionTests {
    private let bench = ModelBench()

    @Test("EXEC does nothing when a watched key was changed, by whoever", arguments: [1, 2])
    func overtaken(writer: Int) throws {
        _ = try bench.send("WATCH", "a")
        _ = try bench.send("SET", "a", "1", from: writer)
        _ = try bench.send("MULTI")
        #expect(try bench.send("SET", "a", "2") == .queued)
        #expect(try bench.send("EXEC") == .null)
        #expect(try bench.send("GET", "a") == .text("1"))
    }

    @Test("EXEC does nothing when a watched key has ended since WATCH")
    func ended() throws {
        _ = try bench.send("SET", "a", "1", "PX", "100")
        _ = try bench.send("WATCH", "a")
        bench.now += 101
        _ = try bench.send("MULTI")
        #expect(try bench.send("EXEC") == .null)
    }

    @Test("a key that had ended before WATCH may be cleared away meanwhile")
    func endedBefore() throws {
        _ = try bench.send("SET", "a", "1", "PXAT", "1")
        _ = try bench.send("WATCH", "a")
        _ = try bench.send("GET", "a", from: 2)
        _ = try bench.send("MULTI")
        #expect(try bench.send("EXEC") == .emptyArray)
    }

    @Test("a watch is of one transaction, and UNWATCH ends it")
    func oneTransaction() throws {
        _ = try bench.send("WATCH", "a")
        _ = try bench.send("SET", "a", "1", from: 2)
        _ = try bench.send("UNWATCH")
        _ = try bench.send("MULTI")
        _ = try bench.send("INCR", "a")
        #expect(try bench.send("EXEC") == .array([.integer(2)]))
    }

    @Test("one command that cannot be queued spoils the transaction")
    func spoilt() throws {
        _ = try bench.send("MULTI")
        _ = try bench.send("GET")
        #expect(
            try bench.send("EXEC") == .refusal("-EXECABORT Transaction discarded because of previous errors.")
        )
        #expect(try bench.send("EXEC") == .refusal("EXEC without MULTI"))
    }

    @Test("a connection that ends takes its watches, its transaction and its subscriptions with it")
    func disconnect() throws {
        _ = try bench.send("WATCH", "a")
        _ = try bench.send("MULTI")
        _ = try bench.send("SUBSCRIBE", "news", from: 2)
        bench.model.disconnect(1)
        bench.model.disconnect(2)
        #expect(
            bench.model.watches.isEmpty && bench.model.connections.isEmpty && bench.model.subscribers.isEmpty)
        #expect(try bench.send("EXEC") == .refusal("EXEC without MULTI"))
        #expect(try bench.send("PUBLISH", "news", "x") == .zero)
    }

    @Test("a message goes to the subscribers of its channel, in the order in which they came")
    func deliveries() throws {
        #expect(
            try bench.send("SUBSCRIBE", "news", from: 7) == .array([.text("subscribe"), .text("news"), .one]))
        _ = try bench.send("SUBSCRIBE", "news", from: 3)
        _ = try bench.send("SUBSCRIBE", "other", from: 4)
        #expect(try bench.send("PUBLISH", "news", "hello") == .integer(2))
        #expect(bench.model.takeDeliveries().map(\.connection) == [7, 3])
        #expect(bench.model.takeDeliveries().isEmpty)
    }

    @Test("a restart keeps the data that it is given, and nothing of connections and scripts")
    func restart() throws {
        _ = try bench.send("SET", "a", "1")
        let snapshot = bench.model
        _ = try bench.send("SET", "a", "2")
        _ = try bench.send("SCRIPT", "LOAD", "return 1")
        _ = try bench.send("WATCH", "a")
        bench.model.restart(keeping: snapshot)
        #expect(try bench.send("GET", "a") == .text("1"))
        #expect(bench.model.scripts.isEmpty && bench.model.connections.isEmpty && bench.model.watches.isEmpty)
        bench.model.restart(keeping: nil)
        #expect(bench.model.dump(at: bench.now).isEmpty)
    }
}

@Suite("The model of Redis: scripts and refusals")
struct RedisModelScriptTests {
    private let bench = ModelBench()

    @Test("EVALSHA knows what EVAL has run, until SCRIPT FLUSH")
    func digests() throws {
        let script = RedisScript(name: "one", source: "return 1")
        #expect(try bench.send("EVALSHA", script.sha1, "0") == .noScript)
        #expect(try bench.send("EVAL", script.source, "0") == .one)
        #expect(try bench.send("EVALSHA", script.sha1, "0") == .one)
        #expect(try bench.send("SCRIPT", "FLUSH") == .ok)
        #expect(try bench.send("EVALSHA", script.sha1, "0") == .noScript)
    }

    @Test("an error in a script names the script and the line, and what was written before stays")
    func errors() throws {
        let script = RedisScript(
            name: "half", source: "redis.call('SET', KEYS[1], 'x')\nredis.call('INCR', KEYS[1])")
        let text =
            "ERR value is not an integer or out of range script: \(script.sha1), on @user_script:2."
        #expect(
            try bench.send("EVAL", script.source, "1", "a") == .error(RedisServerError(message: text)))
        #expect(try bench.send("GET", "a") == .text("x"))
    }

    @Test("short of memory, what may grow is refused, and what frees or reads is not")
    func outOfMemory() throws {
        _ = try bench.send("SET", "a", "1")
        bench.model.refusal = .outOfMemory
        let refused = RESPValue.refusal(RedisModel.Refusal.outOfMemory.reason)
        #expect(try bench.send("SET", "a", "2") == refused)
        #expect(try bench.send("GET", "a") == .text("1"))
        #expect(try bench.send("EVAL", "return redis.pcall('SET', 'a', '2')", "0") == refused)
        #expect(try bench.send("DEL", "a") == .one)
    }

    @Test("short of memory, a script that has called a write goes on to grow")
    func outOfMemoryInScript() throws {
        bench.model.refusal = .outOfMemory
        let script = "redis.call('DEL', 'none') return redis.call('SET', 'a', '2')"
        #expect(try bench.send("EVAL", script, "0") == .ok)
    }

    @Test(
        "a refusal has the code of Redis",
        arguments: [
            (RedisModel.Refusal.outOfMemory, "OOM"), (.readOnly, "READONLY"), (.loading, "LOADING"),
            (.busy, "BUSY"), (.misconfigured, "MISCONF"),
        ])
    func codes(refusal: RedisModel.Refusal, code: String) throws {
        bench.model.refusal = refusal
        #expect(try bench.send("SET", "a", "1").error?.prefix == code)
        let isForReads = refusal == .loading || refusal == .busy
        #expect(try bench.send("GET", "a").error?.prefix == (isForReads ? code : nil))
    }
}
