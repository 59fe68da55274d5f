import CLua
import RedisClient

/// The functions that a script calls. Each leaves one value on the stack; what is raised, C raises.
extension LuaInterpreter {
    /// Globals that Redis offers and this interpreter does not.
    private static let leftOut: Set<String> = [
        "_G", "__redis__err__handler", "bit", "cjson", "cmsgpack", "collectgarbage", "coroutine", "gcinfo",
        "getmetatable", "load", "loadstring", "rawequal", "rawget", "rawset", "setmetatable", "struct",
    ]

    private static func interpreter(_ context: UnsafeMutableRawPointer?) -> LuaInterpreter {
        guard let context = unsafe context else { preconditionFailure("a Lua function without its owner") }
        return unsafe Unmanaged<LuaInterpreter>.fromOpaque(context).takeUnretainedValue()
    }

    static func callRedis(_ context: UnsafeMutableRawPointer?) { unsafe interpreter(context).callRedis() }
    static func makeError(_ context: UnsafeMutableRawPointer?) { unsafe interpreter(context).makeError() }
    static func makeStatus(_ context: UnsafeMutableRawPointer?) { unsafe interpreter(context).makeStatus() }
    static func miss(_ context: UnsafeMutableRawPointer?) { unsafe interpreter(context).miss() }
    static func protect(_ context: UnsafeMutableRawPointer?) { unsafe interpreter(context).protect() }

    private func callRedis() {
        let count = unsafe lua_gettop(state)
        guard count > 0 else {
            return pushError("ERR Please specify at least one argument for this redis lib call")
        }
        var words: [String] = []
        words.reserveCapacity(Int(count))
        for index in 1...count {
            switch unsafe lua_type(state, index) {
            case LUA_TNUMBER:
                words.append(Self.commandText(of: unsafe lua_tonumber(state, index)))
            case LUA_TSTRING:
                guard let word = text(at: index) else {
                    unknown = unknown ?? UnknownRedisCommand("an argument that is not UTF-8")
                    return pushError("ERR an argument is not UTF-8")
                }
                words.append(word)
            default:
                return pushError("ERR Lua redis lib command arguments must be strings or integers")
            }
        }
        guard let call else { preconditionFailure("redis.call outside a script") }
        push(call(words))
    }

    /// `redis.error_reply`: the first word is the code; a single word gets the code ERR.
    private func makeError() {
        guard let text = onlyText() else { return pushError("ERR wrong number or type of arguments") }
        let message = text.hasPrefix("-") ? String(text.dropFirst()) : text
        pushError(message.contains(" ") ? message : "ERR " + message)
    }

    private func makeStatus() {
        guard let text = onlyText() else { return pushError("ERR wrong number or type of arguments") }
        push(.simpleString(text))
    }

    private func onlyText() -> String? {
        guard unsafe lua_gettop(state) == 1, unsafe lua_type(state, 1) == LUA_TSTRING else { return nil }
        return text(at: 1)
    }

    /// A member that is not there: of the globals (then Redis raises an error too), or of a library.
    private func miss() {
        let name = text(at: 2) ?? "?"
        unsafe lua_rawgeti(state, LUA_REGISTRYINDEX, globals)
        let isGlobal = unsafe lua_rawequal(state, 1, -1) != 0
        if !isGlobal || Self.leftOut.contains(name) {
            unknown = unknown ?? UnknownRedisCommand("member \(name) of Lua or of one of its libraries")
        }
        pushLocated("Script attempted to access nonexistent global variable '\(name)'")
    }

    private func protect() {
        pushLocated("Attempt to modify a readonly table")
    }

    /// As Lua words its own errors: with the line of the script.
    private func pushLocated(_ message: String) {
        unsafe luaL_where(state, 1)
        push(message)
        unsafe lua_concat(state, 2)
    }
}
