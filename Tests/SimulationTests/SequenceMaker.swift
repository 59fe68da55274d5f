import RedisClient
import Simulation

@testable import LockStrategies

/// One step of a random sequence.
enum SequenceStep: Sendable {
    case command(connection: Int, RedisCommand)
    /// The server begins to refuse commands, or refuses them no longer.
    case refusal(RedisModel.Refusal?)
}

/// Makes random commands over few keys, so that they meet: the scripts of the project among them, with
/// arguments that they expect and others, on keys of the right type and of others.
struct SequenceMaker {
    static let keys = ["a", "b", "c", "{x}:d", "h", "m"]
    /// The last connection listens and sends nothing else.
    static let connectionCount = 4

    private static let fields = ["n", "units", "returned", "r1", "r2", "0", "1"]
    private static let values = [
        "0", "1", "2", "5", "-3", "100", "99999", "x", "", "9223372036854775807", "-9223372036854775808",
        "007",
        "1.5", "+1", "-0", "shop:1", "shop:2", "shop:8589934592", "mall:1", ":3", "2:3", "1:98", "7:",
        "ended:",
        "ended:1:2", "token-1", "token-2", "token-3", "1234567890123456", "123456789012345", "all", "é ü",
    ]
    private static let numbers = [
        "0", "1", "2", "3", "-1", "10", "1000000", "x", "", "9223372036854775807", "-9223372036854775808",
        "1.0",
    ]
    /// Far away or over: what a clock between the two servers may change is the remaining time alone.
    static let spans = ["100000000", "200000000", "300000000", "0", "-1", "x", "9223372036854775807", ""]
    static let channels = ["a:released", "h:released", "news"]

    private struct ScriptShape {
        let script: RedisScript
        let keys: Int
        let arguments: Int
        /// The place of an argument that is a time to live: a short one would end on one side first.
        var span: Int?
    }

    private static let scripts: [ScriptShape] = [
        ScriptShape(script: EmbeddedScripts.luaAtomic, keys: 4, arguments: 2),
        ScriptShape(script: EmbeddedScripts.combining, keys: 5, arguments: 4),
        ScriptShape(script: EmbeddedScripts.takeAtHome, keys: 5, arguments: 2),
        ScriptShape(script: EmbeddedScripts.moveOut, keys: 2, arguments: 0),
        ScriptShape(script: EmbeddedScripts.moveIn, keys: 3, arguments: 3),
        ScriptShape(script: EmbeddedScripts.moveDone, keys: 1, arguments: 1),
        ScriptShape(script: EmbeddedScripts.lookAtStock, keys: 5, arguments: 1),
        ScriptShape(script: EmbeddedScripts.removeEndedMarks, keys: 1, arguments: 1),
        ScriptShape(script: EmbeddedScripts.closeStock, keys: 2, arguments: 2),
        ScriptShape(script: EmbeddedScripts.fillBucket, keys: 4, arguments: 3),
        ScriptShape(script: EmbeddedScripts.fillStock, keys: 6, arguments: 5),
        ScriptShape(script: EmbeddedScripts.dropStock, keys: 3, arguments: 1),
        ScriptShape(script: EmbeddedScripts.offerUnits, keys: 3, arguments: 3),
        ScriptShape(script: EmbeddedScripts.returnToBucket, keys: 3, arguments: 2, span: 1),
        ScriptShape(script: EmbeddedScripts.readStock, keys: 4, arguments: 1),
        ScriptShape(script: EmbeddedScripts.writeStock, keys: 4, arguments: 4),
        ScriptShape(script: EmbeddedScripts.writeStockFenced, keys: 5, arguments: 5),
        ScriptShape(script: EmbeddedScripts.acquireLock, keys: 1, arguments: 2, span: 1),
        ScriptShape(script: EmbeddedScripts.acquireLockAndRead, keys: 5, arguments: 3, span: 1),
        ScriptShape(script: EmbeddedScripts.acquireFencedAndRead, keys: 6, arguments: 4, span: 1),
        ScriptShape(script: EmbeddedScripts.writeAndRelease, keys: 5, arguments: 5),
        ScriptShape(script: EmbeddedScripts.writeFencedAndRelease, keys: 6, arguments: 6),
        ScriptShape(script: EmbeddedScripts.acquireOrRemainingAndRead, keys: 5, arguments: 3, span: 1),
        ScriptShape(script: EmbeddedScripts.handOverAndRead, keys: 5, arguments: 4, span: 2),
        ScriptShape(script: EmbeddedScripts.writeAndTell, keys: 5, arguments: 5),
        ScriptShape(script: EmbeddedScripts.writeAndHandOver, keys: 5, arguments: 7, span: 6),
        ScriptShape(script: EmbeddedScripts.writeHandOverAndRead, keys: 9, arguments: 8, span: 6),
        ScriptShape(script: EmbeddedScripts.acquireOrRemaining, keys: 1, arguments: 2, span: 1),
        ScriptShape(script: EmbeddedScripts.releaseAndTell, keys: 1, arguments: 2),
        ScriptShape(script: EmbeddedScripts.handOverLock, keys: 1, arguments: 3, span: 2),
        ScriptShape(script: EmbeddedScripts.acquireFenced, keys: 2, arguments: 3, span: 1),
        ScriptShape(script: EmbeddedScripts.returnReservation, keys: 4, arguments: 3, span: 1),
        ScriptShape(script: EmbeddedScripts.releaseLock, keys: 1, arguments: 1),
        ScriptShape(script: EmbeddedScripts.extendLock, keys: 1, arguments: 2, span: 1),
    ]

    /// Scripts of this test's own: conversions, errors, and what a script may not do.
    static let oddities = [
        "return {1, 2.9, -2.9, 'x', true, false, {3, {}}}", "return {1, nil, 3}", "return 1e300",
        "return nil",
        "return {ok = 'fine', 5}", "return {err = 'plain'}", "return redis.error_reply('MINE is mine')",
        "return redis.error_reply('single')", "return redis.status_reply('good')", "error('thrown')",
        "error({err = 'TABLE thrown'})", "local x = nil\nreturn x.y", "return unknown", "unknown = 1",
        "string.sub = nil", "return 1 +", "return redis.call()", "return redis.call('GET', {})",
        "return redis.call('GET')", "return redis.pcall('GET')", "return redis.call('WATCH', KEYS[1])",
        "return redis.call('HGETALL', KEYS[1])", "return redis.pcall('INCRBY', KEYS[1], ARGV[1])",
        "return redis.call('SET', KEYS[1], -0.0)", "return redis.call('SET', KEYS[1], 1e17)",
        "return redis.call('SET', KEYS[1], 0.1)", "return {redis.call('GET', KEYS[1])}",
        "redis.call('DEL', KEYS[1])\nreturn redis.call('SET', KEYS[1], ARGV[1])",
        "redis.call('HSET', KEYS[1], 'n', ARGV[1])\nredis.call('INCR', KEYS[1])",
        "local r = redis.pcall('HGET', KEYS[1], 'n')\nreturn type(r) == 'table' and r.err or type(r)",
        "local _, e = pcall(redis.call, 'INCR', KEYS[1])\nreturn type(e) == 'table' and e.err or e",
        "return #KEYS * 100 + #ARGV", "return tostring(tonumber(ARGV[1]))",
        "return select('#', unpack(ARGV))",
        "return redis.call('PING')", "return redis.call('PUBLISH', 'news', ARGV[1])",
        "return ARGV[1] + 1", "return string.format('%d', ARGV[1])",
    ].map { RedisScript(name: "oddity", source: $0) }

    private var generator: SplitMix64
    /// Few scripts a sequence, so that it runs them again: by digest, and after SCRIPT FLUSH.
    private var chosen: [ScriptShape] = []

    init(seed: UInt64) {
        generator = SplitMix64(seed: seed)
    }

    mutating func next() -> [SequenceStep] {
        chosen = (0..<4).map { _ in pick(Self.scripts) }
        chosen.append(ScriptShape(script: pick(Self.oddities), keys: 1, arguments: 2))
        var steps: [SequenceStep] = []
        var connection = 0
        for _ in 0..<Int.random(in: 10...20, using: &generator) {
            if chance(30) { connection = Int.random(in: 0..<Self.connectionCount, using: &generator) }
            if chance(3) {
                steps.append(.refusal([.outOfMemory, .readOnly, nil, nil][below(4)]))
            }
            let isListener = connection == Self.connectionCount - 1
            steps.append(.command(connection: connection, isListener ? listenersCommand() : command()))
        }
        return steps
    }

    private mutating func command() -> RedisCommand {
        switch below(100) {
        case 0..<25: scriptCall()
        case 25..<45: stringCommand()
        case 45..<60: hashCommand()
        case 60..<73: keyCommand()
        case 73..<90: transactionCommand()
        case 90..<93: RedisCommand("PUBLISH", pick(Self.channels), pick(Self.values))
        case 93..<97: scriptCommand()
        case 97: RedisCommand("PING", chance(50) ? [] : [pick(Self.values)])
        case 98: wrongNumberOfArguments()
        default: RedisCommand(pick(["get", "Exists", "pTTL"]), key())
        }
    }

    private mutating func listenersCommand() -> RedisCommand {
        switch below(10) {
        case 0..<4: RedisCommand("SUBSCRIBE", pick(Self.channels))
        case 4..<6: RedisCommand("UNSUBSCRIBE", pick(Self.channels))
        case 6..<8: RedisCommand("PING", chance(50) ? [] : ["x"])
        default: chance(50) ? RedisCommand("GET", key()) : RedisCommand(pick(["EXEC", "UNWATCH", "DISCARD"]))
        }
    }

    private mutating func stringCommand() -> RedisCommand {
        switch below(10) {
        case 0..<2: RedisCommand("GET", key())
        case 2..<6: RedisCommand("SET", [key(), pick(Self.values)] + setOptions())
        case 6: RedisCommand("MGET", keys(1...3))
        case 7: RedisCommand(pick(["INCR", "DECR"]), key())
        default: RedisCommand(pick(["INCRBY", "DECRBY"]), key(), pick(Self.numbers))
        }
    }

    private mutating func setOptions() -> [String] {
        var options: [String] = []
        for _ in 0..<[0, 0, 1, 1, 1, 2, 3][below(7)] {
            switch below(7) {
            case 0: options.append("NX")
            case 1: options.append(pick(["XX", "xx", "ZZ", "EX", "PX"]))
            case 2: options.append("GET")
            case 3: options.append("KEEPTTL")
            case 4: options += ["PX", pick(Self.spans)]
            case 5: options += ["PXAT", pick(["1", "1000", "4102444800000", "0", "-1", "x"])]
            default:
                options += [
                    pick(["EX", "EXAT"]), pick(["300000", "9999999999", "0", "9223372036854775807"]),
                ]
            }
        }
        return options
    }

    private mutating func hashCommand() -> RedisCommand {
        switch below(10) {
        case 0..<2: RedisCommand("HGET", key(), pick(Self.fields))
        case 2..<5:
            RedisCommand(
                "HSET",
                [key()]
                    + (0..<Int.random(in: 1...2, using: &generator)).flatMap { _ in
                        [pick(Self.fields), pick(Self.values)]
                    })
        case 5..<7: RedisCommand("HDEL", [key()] + (0...below(3)).map { _ in pick(Self.fields) })
        case 7: RedisCommand(pick(["HGETALL", "HLEN"]), key())
        case 8: RedisCommand("HINCRBY", key(), pick(Self.fields), pick(Self.numbers))
        default:
            RedisCommand(
                "HSCAN",
                [key(), pick(["0", "0", "5", "x", "", "-1", "+2"])]
                    + pick([
                        [], ["COUNT", "1000"], ["COUNT", "0"], ["COUNT", "x"], ["COUNT"], ["FOO", "1"],
                    ]))
        }
    }

    private mutating func keyCommand() -> RedisCommand {
        switch below(10) {
        case 0..<2: RedisCommand("DEL", keys(1...2))
        case 2..<4: RedisCommand("EXISTS", keys(1...3))
        case 4: RedisCommand(pick(["PTTL", "TTL"]), key())
        case 5..<9: RedisCommand("PEXPIRE", key(), pick(Self.spans))
        default: RedisCommand("PERSIST", key())
        }
    }

    private mutating func transactionCommand() -> RedisCommand {
        switch below(20) {
        case 0..<6: RedisCommand("WATCH", keys(1...2))
        case 6..<12: RedisCommand("MULTI")
        case 12..<18: RedisCommand("EXEC")
        case 18: RedisCommand("UNWATCH")
        default: RedisCommand("DISCARD")
        }
    }

    private mutating func scriptCall() -> RedisCommand {
        let shape = pick(chosen)
        let script = shape.script
        let keys = chance(5) ? below(4) : shape.keys
        let arguments = chance(5) ? below(4) : shape.arguments
        let tail =
            (0..<keys).map { _ in key() }
            + (0..<arguments).map { place in place == shape.span ? pick(Self.spans) : scriptArgument() }
        // Another number that is possible would move the time to live to another place.
        let count = chance(98) ? String(keys) : pick(["-1", "99", "x"])
        return chance(50)
            ? RedisCommand("EVAL", [script.source, count] + tail)
            : RedisCommand("EVALSHA", [chance(5) ? script.sha1.uppercased() : script.sha1, count] + tail)
    }

    private mutating func scriptArgument() -> String {
        switch below(10) {
        case 0..<3: pick(Self.values)
        case 3: pick(Self.fields)
        case 4: pick(Self.spans)
        case 5: pick(["shop", "mall", "r1", "r2"])
        default: pick(["1", "2", "3", "0", "token-1", "token-2"])
        }
    }

    private mutating func scriptCommand() -> RedisCommand {
        let script = pick(chosen).script
        switch below(10) {
        case 0..<2: return RedisCommand("SCRIPT", ["FLUSH"] + pick([[], ["SYNC"], ["async"], ["NOW"]]))
        case 2..<6: return RedisCommand("SCRIPT", "LOAD", script.source)
        case 6: return RedisCommand("EVALSHA", pick(["", "abc", String(repeating: "0", count: 40)]), "0")
        default: return RedisCommand("SCRIPT", "EXISTS", script.sha1, "abc")
        }
    }

    private mutating func wrongNumberOfArguments() -> RedisCommand {
        let words = pick([
            ["GET"], ["SET", "a"], ["MGET"], ["DEL"], ["HGET", "h"], ["HSET", "h", "n"],
            ["HSET", "h", "n", "1", "2"],
            ["HDEL", "h"], ["PTTL"], ["PEXPIRE", "a"], ["PUBLISH", "news"], ["WATCH"], ["MULTI", "1"],
            ["EXEC", "1"],
            ["DISCARD", "1"], ["UNWATCH", "1"], ["EVAL", "return 1"], ["SCRIPT"], ["SCRIPT", "LOAD"],
            ["SCRIPT", "EXISTS"], ["PING", "1", "2"], ["INCRBY", "a"], ["HINCRBY", "h", "n"], ["HSCAN", "h"],
        ])
        return RedisCommand(words[0], Array(words.dropFirst()))
    }

    private mutating func key() -> String { pick(Self.keys) }

    private mutating func keys(_ count: ClosedRange<Int>) -> [String] {
        (0..<Int.random(in: count, using: &generator)).map { _ in key() }
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
