import CLua
package import RedisClient

/// Lua 5.1 as Redis 7.0 offers it to scripts: the same interpreter, the same errors, less of the library.
///
/// Chance, clocks, files and whatever else could make two runs differ are not there. What Redis offers and
/// this interpreter does not is refused with ``UnknownRedisCommand``, also where the script catches errors.
///
/// Not Sendable: whoever owns it confines it.
@safe package final class LuaInterpreter {
    let state: OpaquePointer
    /// What ``run(_:keys:arguments:call:)`` calls for `redis.call`, while a script runs.
    private(set) var call: (([String]) -> RESPValue)?
    /// The first thing that the script that runs wanted and that is not here.
    var unknown: UnknownRedisCommand?
    /// Places of compiled scripts in Lua's registry, by digest.
    private var chunks: [String: Int32] = [:]
    private var scripts: [String: RedisScript] = [:]
    /// Places in Lua's registry.
    private var errorHandler: Int32 = 0
    private(set) var globals: Int32 = 0
    private var environment: Int32 = 0

    package init() {
        guard let state = unsafe luaL_newstate() else {
            preconditionFailure("Lua could not allocate a state")
        }
        unsafe self.state = state
        openLibraries()
        prepareEnvironment()
    }

    deinit {
        unsafe lua_close(state)
    }

    /// The script of a source text; its digest is computed once.
    package func script(of source: String) -> RedisScript {
        if let known = scripts[source] { return known }
        let script = RedisScript(name: "script", source: source)
        scripts[source] = script
        return script
    }

    /// Why a script cannot be compiled; nil when it can.
    package func problem(of script: RedisScript) throws(UnknownRedisCommand) -> String? {
        guard chunks[script.sha1] == nil else { return nil }
        guard !script.source.hasPrefix("#!") else { throw UnknownRedisCommand("script flags (#!lua)") }
        var source = script.source
        let status = source.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                unsafe luaL_loadbuffer(state, characters.baseAddress, characters.count, "@user_script")
            }
        }
        guard status == 0 else {
            defer { unsafe lua_settop(state, 0) }
            return "Error compiling script (new function): \(Self.oneLine(text(at: -1) ?? ""))"
        }
        unsafe lua_rawgeti(state, LUA_REGISTRYINDEX, environment)
        unsafe lua_setfenv(state, -2)
        chunks[script.sha1] = unsafe luaL_ref(state, LUA_REGISTRYINDEX)
        return nil
    }

    /// Runs a script as EVAL does.
    ///
    /// - Parameter call: Answers `redis.call` and `redis.pcall`; an error reply is raised by the former.
    /// - Returns: What the client gets; an error of the script is an error reply.
    package func run(
        _ script: RedisScript, keys: ArraySlice<String>, arguments: ArraySlice<String>,
        call: ([String]) -> RESPValue
    ) throws(UnknownRedisCommand) -> RESPValue {
        if let problem = try problem(of: script) { return .refusal(problem) }
        guard let chunk = chunks[script.sha1] else { return .noScript }
        unknown = nil
        let reply = withoutActuallyEscaping(call) { escaping in
            self.call = escaping
            defer { self.call = nil }
            return run(chunk, keys, arguments, digest: script.sha1)
        }
        if let unknown { throw unknown }
        return reply
    }

    private func run(
        _ chunk: Int32, _ keys: ArraySlice<String>, _ arguments: ArraySlice<String>, digest: String
    ) -> RESPValue {
        unsafe lua_settop(state, 0)
        unsafe lua_rawgeti(state, LUA_REGISTRYINDEX, errorHandler)
        unsafe lua_rawgeti(state, LUA_REGISTRYINDEX, globals)
        push(list: keys)
        unsafe lua_setfield(state, -2, "KEYS")
        push(list: arguments)
        unsafe lua_setfield(state, -2, "ARGV")
        unsafe lua_settop(state, 1)
        unsafe lua_rawgeti(state, LUA_REGISTRYINDEX, chunk)
        let status = unsafe lua_pcall(state, 0, 1, 1)
        let reply = status == 0 ? replyOnTop() : scriptError(digest: digest)
        unsafe lua_settop(state, 0)
        return reply
    }

    /// What Redis makes of the table on top, which the error handler has made.
    private func scriptError(digest: String) -> RESPValue {
        guard unsafe lua_type(state, -1) == LUA_TTABLE, let message = field("err") else {
            // Redis 7.0.15 itself ends there.
            unknown = unknown ?? UnknownRedisCommand("an error that is a table without the field err")
            return .null
        }
        var text = Self.oneLine(message)
        if let line = field("line"), let source = field("source") {
            text += " script: \(digest), on \(source):\(line)."
        }
        return .error(RedisServerError(message: text))
    }

    private func field(_ name: String) -> String? {
        unsafe lua_getfield(state, -1, name)
        defer { unsafe lua_settop(state, -2) }
        return text(at: -1)
    }

    static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 10 || $0 == 13 }) else { return text }
        let trimmed = text.drop { $0.isNewline }
        return String(trimmed.map { $0.isNewline ? " " : $0 })
    }
}

@available(*, unavailable)
extension LuaInterpreter: Sendable {}

extension LuaInterpreter {
    private func openLibraries() {
        unsafe open("", luaopen_base)
        unsafe open(LUA_TABLIBNAME, luaopen_table)
        unsafe open(LUA_STRLIBNAME, luaopen_string)
        unsafe open(LUA_MATHLIBNAME, luaopen_math)
        unsafe open(LUA_DBLIBNAME, luaopen_debug)
    }

    private func open(_ name: String, _ library: lua_CFunction) {
        unsafe lua_pushcclosure(state, library, 0)
        unsafe lua_pushstring(state, name)
        unsafe lua_call(state, 1, 0)
    }

    /// Runs ``prelude``, and keeps the three things that it returns.
    private func prepareEnvironment() {
        guard unsafe luaL_loadstring(state, Self.prelude) == 0 else {
            preconditionFailure("the prelude does not compile: \(text(at: -1) ?? "")")
        }
        let raisesTables = Int32(lab_lua_raises_error_tables)
        let raisesAll = Int32(lab_lua_raises_everything)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe lab_lua_push(
            state, { context, _ in unsafe LuaInterpreter.callRedis(context) }, context, raisesTables)
        unsafe lab_lua_push(state, { context, _ in unsafe LuaInterpreter.callRedis(context) }, context, 0)
        unsafe lab_lua_push(state, { context, _ in unsafe LuaInterpreter.makeError(context) }, context, 0)
        unsafe lab_lua_push(state, { context, _ in unsafe LuaInterpreter.makeStatus(context) }, context, 0)
        unsafe lab_lua_push(state, { context, _ in unsafe LuaInterpreter.miss(context) }, context, raisesAll)
        unsafe lab_lua_push(
            state, { context, _ in unsafe LuaInterpreter.protect(context) }, context, raisesAll)
        guard unsafe lua_pcall(state, 6, 3, 0) == 0 else {
            preconditionFailure("the prelude does not run: \(text(at: -1) ?? "")")
        }
        environment = unsafe luaL_ref(state, LUA_REGISTRYINDEX)
        globals = unsafe luaL_ref(state, LUA_REGISTRYINDEX)
        errorHandler = unsafe luaL_ref(state, LUA_REGISTRYINDEX)
    }

    /// Builds what a script sees. The error handler is the one of Redis 7.0, which finds the line at fault.
    private static let prelude = """
        local call, pcall, error_reply, status_reply, miss, protect = ...
        local debug, setmetatable = debug, setmetatable
        local function handler(err)
          local i = debug.getinfo(2, 'nSl')
          if i and i.what == 'C' then
            i = debug.getinfo(3, 'nSl')
          end
          if type(err) ~= 'table' then
            err = {err = 'ERR ' .. tostring(err)}
          end
          if i then
            err.source = i.source
            err.line = i.currentline
          end
          return err
        end
        local function sealed(members)
          return setmetatable({}, {__index = setmetatable(members, {__index = miss}), __newindex = protect})
        end
        math.random, math.randomseed = nil, nil
        local globals = {
          assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = _G.pcall,
          select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
          xpcall = xpcall, _VERSION = _VERSION,
          string = sealed(string), table = sealed(table), math = sealed(math),
          redis = sealed({
            call = call, pcall = pcall, error_reply = error_reply, status_reply = status_reply,
          }),
        }
        return handler, setmetatable(globals, {__index = miss}), setmetatable({}, {
          __index = globals, __newindex = protect})
        """
}
