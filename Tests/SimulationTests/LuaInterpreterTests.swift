import RedisClient
import Simulation
import Testing

@Suite("The Lua interpreter")
struct LuaInterpreterTests {
    private let lua = LuaInterpreter()

    private func run(
        _ source: String, keys: [String] = [], arguments: [String] = [],
        call: ([String]) -> RESPValue = { _ in .null }
    ) throws -> RESPValue {
        try lua.run(
            RedisScript(name: "test", source: source), keys: keys[...], arguments: arguments[...], call: call)
    }

    @Test(
        "makes a reply of a value as Redis does",
        arguments: [
            ("return 3.9", RESPValue.integer(3)), ("return -3.9", .integer(-3)), ("return 'x'", .text("x")),
            ("return true", .one), ("return false", .null), ("return nil", .null), ("", .null),
            ("return {1, {'x'}, false}", .array([.one, .array([.text("x")]), .null])),
            ("return {1, nil, 3}", .array([.one])), ("return {ok = 'fine'}", .simpleString("fine")),
            ("return {err = 'MINE all'}", .error(RedisServerError(message: "MINE all"))),
            ("return 1/0", .integer(.min)),
        ])
    func replies(source: String, reply: RESPValue) throws {
        #expect(try run(source) == reply)
    }

    @Test(
        "makes a value of a reply as Redis does",
        arguments: [
            (RESPValue.null, "boolean false"), (.integer(5), "number 5"), (.text("x"), "string x"),
            (.ok, "table OK"), (.refusal("-MINE all"), "table MINE all"), (.array([.one, .null]), "table 2"),
        ])
    func values(reply: RESPValue, text: String) throws {
        let source = """
            local value = redis.pcall('GET', 'a')
            local shown = type(value) == 'table' and (value.ok or value.err or #value) or tostring(value)
            return type(value) .. ' ' .. shown
            """
        #expect(try run(source) { _ in reply } == .text(text))
    }

    @Test("hands keys, arguments and numbers to a command as text")
    func arguments() throws {
        let source = "return redis.call('X', KEYS[1], ARGV[2], 1, -2, 1e15, 2^53, 0.1, -0.0, 1e17)"
        var seen: [String] = []
        _ = try run(source, keys: ["k"], arguments: ["a", "b"]) { words in
            seen = words
            return .null
        }
        #expect(
            seen == [
                "X", "k", "b", "1", "-2", "1000000000000000", "9007199254740992", "0.10000000000000001", "-0",
                "1e+17",
            ])
    }

    @Test(
        "has no chance, no clock and no files, and says so whatever the script catches",
        arguments: [
            "return math.random()", "return redis.sha1hex('')", "pcall(function() return math.random() end)",
            "return cjson.encode({})", "setmetatable({}, {})", "return {1, map = {}}",
        ])
    func leftOut(source: String) {
        #expect(throws: UnknownRedisCommand.self) { try run(source) }
    }

    @Test(
        "refuses globals that Redis does not have either",
        arguments: ["os", "io", "print", "dofile", "require"])
    func globals(name: String) throws {
        let message = try run("return \(name)").error?.message ?? ""
        #expect(
            message.hasPrefix(
                "ERR user_script:1: Script attempted to access nonexistent global variable '\(name)' script: "
            ))
    }

    @Test(
        "lets no script leave anything behind for the next one",
        arguments: [
            "x = 1", "KEYS = 1", "string.sub = nil", "redis.call = nil", "table.x = 1",
        ])
    func readOnly(source: String) throws {
        #expect(
            try run(source).error?.message.hasPrefix("ERR user_script:1: Attempt to modify a readonly table")
                == true)
    }

    @Test("runs a script of many kinds of errors again and again without growing its stack")
    func manyRuns() throws {
        for _ in 0..<10_000 {
            _ = try run("return redis.call('GET', {})")
            _ = try run("return redis.pcall('GET', 'a')") { _ in .refusal("no") }
            _ = try run("error('x')")
        }
        #expect(try run("return 1") == .one)
    }
}
