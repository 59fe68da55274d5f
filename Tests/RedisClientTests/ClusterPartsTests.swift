import LabProcesses
import LabTesting
import Testing

@testable import RedisClient

@Suite("Parts of the cluster client")
struct ClusterPartsTests {
    @Test("a key's slot is the one that Redis computes")
    func slots() async throws {
        let keys = [
            "", "a", "123456789", "stock:{7}", "{7}", "lock:stock:{7}", "{}x", "a{}b{c}", "{{a}}", "{a}{b}",
            "}{", "{open", "käse:{ü}", String(repeating: "long", count: 100),
        ]
        let options = RedisServerOptions(arguments: [
            "--cluster-enabled", "yes", "--cluster-port", "\(try FreePort.pick())",
        ])
        try await withRedisServer(options) { server in
            for key in keys {
                let theirs = try await server.command(RedisCommand("CLUSTER", "KEYSLOT", key)).integer
                #expect(theirs == Int64(KeySlot.of(key)), "\(key)")
            }
        }
    }

    @Test(
        "the keys of a command are found",
        arguments: [
            (["GET", "a"], ["a"]), (["set", "a", "b", "NX"], ["a"]), (["DEL", "a", "b"], ["a", "b"]),
            (["EVALSHA", "f00", "2", "a", "b", "c"], ["a", "b"]), (["EVAL", "return 1", "0", "x"], []),
            (["EVAL", "return 1", "-1", "x"], []), (["EVAL"], []),
            (["MSET", "a", "1", "b", "2"], ["a", "b"]),
            (["PING"], []), (["PUBLISH", "news", "x"], []), (["SCRIPT", "LOAD", "x"], []),
            (["WATCH", "a", "b"], ["a", "b"]),
        ])
    func keys(words: [String], expected: [String]) {
        #expect(CommandKeys.of(RedisCommand(words[0], Array(words.dropFirst()))) == expected)
    }

    @Test("what a node says instead of running a command is understood, and nothing else is")
    func redirections() {
        let node = RedisHost("here", 1)
        func read(_ text: String) -> Redirection? {
            Redirection(RedisServerError(message: text), from: node)
        }
        #expect(read("MOVED 3999 127.0.0.1:6381") == .moved(slot: 3999, RedisHost("127.0.0.1", 6381)))
        #expect(read("MOVED 3999 :6381") == .moved(slot: 3999, RedisHost("here", 6381)))
        #expect(read("MOVED 3999 ::1:6381") == .moved(slot: 3999, RedisHost("::1", 6381)))
        #expect(read("ASK 3999 127.0.0.1:6381") == .ask(RedisHost("127.0.0.1", 6381)))
        #expect(read("TRYAGAIN Multiple keys request during rehashing of slot") == .wait)
        #expect(read("CLUSTERDOWN Hash slot not served") == .wait)
        #expect(read("MOVED") == nil)
        #expect(read("MOVED x y") == nil)
        #expect(read("OOM command not allowed") == nil)
        #expect(read("ERR MOVED") == nil)
    }

    @Test("of several maps the one counts that most nodes tell, also when another was told first")
    func poll() throws {
        func map(_ port: Int) throws -> SlotMap {
            let host: RESPValue = .array([.simpleString("127.0.0.1"), .integer(Int64(port))])
            let reply = RESPValue.array([.array([.integer(0), .integer(16_383), host])])
            return try #require(SlotMap(reply, from: RedisHost("127.0.0.1", 1)))
        }
        func owner(_ answers: [Result<SlotMap, RedisError>], of asked: Int) throws -> Int? {
            var poll = MapPoll(asked: asked)
            for answer in answers { poll.count(answer) }
            return try poll.map().owner(of: 7)?.port
        }
        let (old, new) = (try map(7001), try map(7002))
        let away = RedisError(.unavailable, "no answer")
        #expect(try owner([.success(old), .success(new), .success(new)], of: 3) == 7002)
        #expect(try owner([.success(old), .success(new)], of: 6) == 7001)
        #expect(try owner([.failure(away), .success(new), .failure(away)], of: 3) == 7002)
        var poll = MapPoll(asked: 5)
        for answer in [Result.success(old), .failure(away), .success(new), .success(new)] {
            poll.count(answer)
            #expect(!poll.isDecided)
        }
        poll.count(.success(new))
        #expect(poll.isDecided)
        let error = #expect(throws: RedisError.self) { try owner([.failure(away)], of: 1) }
        #expect(error?.context.contains("no answer") == true)
    }

    @Test("keys of several slots are refused with a sentence, and nothing is sent")
    func crossSlot() throws {
        #expect(try ClusterRouter.slot(of: []) == nil)
        #expect(try ClusterRouter.slot(of: ["stock:{7}", "lock:{7}"]) == KeySlot.of("7"))
        let error = #expect(throws: RedisError.self) { try ClusterRouter.slot(of: ["a", "b"]) }
        #expect(error?.code == .refused)
        #expect(error?.reply?.prefix == "CROSSSLOT")
        #expect(error?.context.contains("in braces") == true)
    }

    @Test("a map that is not one is not taken")
    func maps() throws {
        let node = RedisHost("here", 1)
        func host(_ name: String, _ port: Int64) -> RESPValue {
            .array([.bulkString(Array(name.utf8)), .integer(port), .bulkString(Array("id".utf8))])
        }
        let good: RESPValue = .array([
            .array([.integer(0), .integer(8000), host("", 7), host("b", 8)]),
            .array([.integer(8001), .integer(16_383), host("c", 9)]),
        ])
        let map = try #require(SlotMap(good, from: node))
        #expect(map.owner(of: 0) == RedisHost("here", 7))
        #expect(map.owner(of: 16_383) == RedisHost("c", 9))
        #expect(map.nodes == [RedisHost("here", 7), RedisHost("c", 9), RedisHost("b", 8)])
        for bad: RESPValue in [
            .null, .array([]), .array([.integer(1)]),
            .array([.array([.integer(0), .integer(16_384), host("c", 9)])]),
            .array([.array([.integer(5), .integer(4), host("c", 9)])]),
            .array([.array([.integer(0), .integer(1), .null])]),
        ] {
            #expect(SlotMap(bad, from: node) == nil)
        }
    }
}
