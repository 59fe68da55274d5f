import RedisClient

extension RedisModel {
    mutating func evaluate(
        _ arguments: [String], lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        if let problem = problemOfKeyCount(arguments) { return problem }
        let script = lua.script(of: arguments[1])
        if scripts[script.sha1] == nil {
            if let problem = try lua.problem(of: script) { return .refusal(problem) }
            scripts[script.sha1] = script
        }
        return try run(script, arguments, lua)
    }

    mutating func evaluateByDigest(
        _ arguments: [String], lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        guard arguments[1].utf8.count == 40 else { return .noScript }
        if let problem = problemOfKeyCount(arguments) { return problem }
        guard let script = scripts[arguments[1]] ?? scripts[arguments[1].lowercased()] else {
            return .noScript
        }
        return try run(script, arguments, lua)
    }

    private func problemOfKeyCount(_ arguments: [String]) -> RESPValue? {
        guard let count = RedisNumber.parse(arguments[2]) else { return .notAnInteger }
        if count > arguments.count - 3 {
            return .refusal("Number of keys can't be greater than number of args")
        }
        return count < 0 ? .refusal("Number of keys can't be negative") : nil
    }

    private mutating func run(
        _ script: RedisScript, _ arguments: [String], _ lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        let lastKey = 3 + Int(RedisNumber.parse(arguments[2]) ?? 0)
        scriptHasWritten = false
        var unknown: UnknownRedisCommand?
        let reply = try lua.run(script, keys: arguments[3..<lastKey], arguments: arguments[lastKey...]) {
            words in
            do throws(UnknownRedisCommand) {
                return try callFromScript(words)
            } catch {
                unknown = unknown ?? error
                return .refusal(error.description)
            }
        }
        if let unknown { throw unknown }
        return reply
    }

    /// One `redis.call`.
    private mutating func callFromScript(_ words: [String]) throws(UnknownRedisCommand) -> RESPValue {
        let call = try RedisCall(words)
        let flags = call.rule.flags
        guard call.hasRightArity else {
            return .refusal("Wrong number of args calling Redis command from script")
        }
        if flags.contains(.noScript) { return .refusal("This Redis command is not allowed from script") }
        if flags.contains(.write), let refusal, refusal == .readOnly || refusal == .misconfigured {
            return .refusal(refusal.reason)
        }
        // A script that has begun to write may go on, however little memory there is.
        if refusal == .outOfMemory, !scriptHasWritten, flags.contains(.denyOutOfMemory) {
            return .refusal(Refusal.outOfMemory.reason)
        }
        if flags.contains(.write) { scriptHasWritten = true }
        return try carryOut(call.rule.verb, words)
    }

    mutating func loadScript(
        _ source: String, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        let script = lua.script(of: source)
        if scripts[script.sha1] == nil {
            if let problem = try lua.problem(of: script) { return .refusal(problem) }
            scripts[script.sha1] = script
        }
        return .text(script.sha1)
    }

    mutating func flushScripts(_ arguments: [String]) -> RESPValue {
        let mode = arguments.dropFirst(2).map { $0.lowercased() }
        guard mode.isEmpty || mode == ["sync"] || mode == ["async"] else {
            return .refusal("SCRIPT FLUSH only support SYNC|ASYNC option")
        }
        scripts = [:]
        return .ok
    }

    mutating func scriptsExist(_ arguments: [String]) -> RESPValue {
        .array(arguments.dropFirst(2).map { scripts[$0] == nil ? .zero : .one })
    }
}
