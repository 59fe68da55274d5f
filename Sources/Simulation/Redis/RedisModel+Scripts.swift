import RedisClient

/// Scripts: the real text, run by real Lua.
extension RedisModel {
    mutating func eval(
        _ verb: RedisVerb, _ arguments: [String], at now: Int64, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        guard let count = RedisData.integer(arguments[1]) else { return .noInteger }
        guard count <= arguments.count - 2 else {
            return .failure("ERR Number of keys can't be greater than number of args")
        }
        guard count >= 0 else { return .failure("ERR Number of keys can't be negative") }
        let script: RedisScript
        if verb == .eval {
            script = known(arguments[0])
        } else if let found = scripts[arguments[0].lowercased()] {
            script = found
        } else {
            return .failure("NOSCRIPT No matching script. Please use EVAL.")
        }
        let values = Array(arguments.dropFirst(2))
        var unknown: UnknownRedisCommand?
        var hasWritten = false
        let reply = lua.run(
            script.source, keys: Array(values.prefix(Int(count))), arguments: Array(values.dropFirst(Int(count)))
        ) { words in
            do throws(UnknownRedisCommand) {
                return try call(RedisCommand(words[0], Array(words.dropFirst())), &hasWritten, at: now, lua: lua)
            } catch {
                unknown = error
                return .failure("ERR unknown to the model")
            }
        }
        if let unknown { throw unknown }
        guard case .error(let error) = reply else { return reply }
        return .failure("\(error.message) script: \(script.sha1)")
    }

    /// A command that a script calls.
    private mutating func call(
        _ command: RedisCommand, _ hasWritten: inout Bool, at now: Int64, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        let verb = try RedisVerb.named(command)
        if verb.wrongCount(command) != nil {
            return .failure("ERR Wrong number of args calling Redis command from script")
        }
        guard !verb.isForbiddenInScripts else {
            return .failure("ERR This Redis command is not allowed from script")
        }
        if let error = refusal?.error(inScript: verb, hasWritten: hasWritten) { return .failure(error) }
        if verb.writes { hasWritten = true }
        return try carryOut(verb, command, at: now, lua: lua)
    }

    mutating func script(_ arguments: [String]) throws(UnknownRedisCommand) -> RESPValue {
        switch (arguments[0].uppercased(), arguments.count) {
        case ("LOAD", 2): return .text(known(arguments[1]).sha1)
        case ("FLUSH", 1):
            scripts = [:]
            return .ok
        case ("EXISTS", 2...):
            return .array(arguments.dropFirst().map { .integer(scripts[$0.lowercased()] == nil ? 0 : 1) })
        default: throw UnknownRedisCommand(command: "SCRIPT " + arguments.joined(separator: " "))
        }
    }

    /// The script of this text, which the server knows from now on.
    private mutating func known(_ text: String) -> RedisScript {
        if let found = scripts.values.first(where: { $0.source == text }) { return found }
        let script = RedisScript(name: "", source: text)
        scripts[script.sha1] = script
        return script
    }
}
