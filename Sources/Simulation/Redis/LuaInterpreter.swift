import CLua
import Foundation
package import RedisClient
import Synchronization

/// Lua 5.1 as Redis runs it: one interpreter, which keeps the scripts that it has read.
///
/// A script gets the libraries base, table, string and math, without what reaches the world outside and
/// without chance. One thread at a time.
package final class LuaInterpreter: Sendable {
    /// What a script may ask of its server.
    package typealias Call = ([String]) -> RESPValue

    /// Protects the machine.
    private let lock = Mutex(())
    nonisolated(unsafe) private let machine = LuaMachine()

    package init() {}

    /// Runs a script.
    ///
    /// - Parameter call: Carries out a command; an error reply is a value.
    /// - Returns: What the script returns; an error that it did not catch is one.
    package func run(_ source: String, keys: [String], arguments: [String], call: Call) -> RESPValue {
        lock.withLock { _ in unsafe machine.run(source, keys: keys, arguments: arguments, call: call) }
    }
}

/// Owns the C state of an interpreter.
@safe private final class LuaMachine {
    private let state: OpaquePointer
    /// Places of scripts that were read, in Lua's registry.
    private var chunks: [String: CInt] = [:]
    private let caller = LuaCaller()

    init() {
        guard let state = unsafe luaL_newstate() else { preconditionFailure("no memory for Lua") }
        unsafe self.state = unsafe state
        unsafe luaL_openlibs(state)
        for name in [
            "io", "os", "package", "debug", "coroutine", "require", "module", "print", "dofile", "loadfile",
            "load", "loadstring", "collectgarbage", "newproxy",
        ] {
            unsafe lua_pushnil(state)
            unsafe lua_setfield(state, LUA_GLOBALSINDEX, name)
        }
        unsafe lua_getfield(state, LUA_GLOBALSINDEX, "math")
        for name in ["random", "randomseed"] {
            unsafe lua_pushnil(state)
            unsafe lua_setfield(state, -2, name)
        }
        unsafe lua_settop(state, 0)
        offerRedis()
    }

    deinit { unsafe lua_close(state) }

    /// The table `redis`, with `call` and `pcall`.
    private func offerRedis() {
        let context = unsafe Unmanaged.passUnretained(caller).toOpaque()
        unsafe lua_createtable(state, 0, 2)
        for (name, raises) in [("call", CInt(1)), ("pcall", 0)] {
            unsafe lab_lua_push(
                state,
                { context, state in
                    guard let context = unsafe context, let state = unsafe state else { return }
                    let caller = unsafe Unmanaged<LuaCaller>.fromOpaque(context).takeUnretainedValue()
                    unsafe LuaValues.push(caller.call(LuaValues.arguments(state)), to: state)
                }, context, raises)
            unsafe lua_setfield(state, -2, name)
        }
        unsafe lua_setfield(state, LUA_GLOBALSINDEX, "redis")
    }

    func run(
        _ source: String, keys: [String], arguments: [String], call: LuaInterpreter.Call
    ) -> RESPValue {
        if let failure = load(source) { return failure }
        setGlobal("KEYS", keys)
        setGlobal("ARGV", arguments)
        defer { unsafe lua_settop(state, 0) }
        return withoutActuallyEscaping(call) { call in
            caller.body = call
            defer { caller.body = nil }
            guard unsafe lua_pcall(state, 0, 1, 0) == 0 else { return unsafe LuaValues.failure(state) }
            return unsafe LuaValues.reply(state, -1)
        }
    }

    /// Puts the script on the stack; an error where it cannot be read.
    private func load(_ source: String) -> RESPValue? {
        if let place = chunks[source] {
            unsafe lua_rawgeti(state, LUA_REGISTRYINDEX, place)
            return nil
        }
        let status = unsafe source.withCString { text in
            unsafe luaL_loadbuffer(state, text, source.utf8.count, "@user_script")
        }
        guard status == 0 else {
            let message = unsafe LuaValues.text(state, -1) ?? "unreadable"
            unsafe lua_settop(state, 0)
            return .error(
                RedisServerError(message: "ERR Error compiling script (new function): \(message)"))
        }
        unsafe lua_pushvalue(state, -1)
        chunks[source] = unsafe luaL_ref(state, LUA_REGISTRYINDEX)
        return nil
    }

    private func setGlobal(_ name: String, _ values: [String]) {
        unsafe lua_createtable(state, CInt(values.count), 0)
        for (place, value) in values.enumerated() {
            unsafe LuaValues.push(Array(value.utf8), to: state)
            unsafe lua_rawseti(state, -2, CInt(place + 1))
        }
        unsafe lua_setfield(state, LUA_GLOBALSINDEX, name)
    }
}

/// Whom `redis.call` reaches while a script runs.
private final class LuaCaller {
    var body: LuaInterpreter.Call?

    /// - Parameter arguments: Nil when they are none that a command can have.
    func call(_ arguments: [String]?) -> RESPValue {
        guard let arguments else {
            return .error(
                RedisServerError(
                    message: "ERR Lua redis lib command arguments must be strings or integers"))
        }
        guard !arguments.isEmpty else {
            return .error(
                RedisServerError(
                    message: "ERR Please specify at least one argument for this redis.call() call"))
        }
        return body?(arguments) ?? .null
    }
}

/// Values of Lua as those of Redis, and back, as Redis converts them.
private enum LuaValues {
    static func text(_ state: OpaquePointer, _ place: CInt) -> String? {
        unsafe bytes(state, place).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func bytes(_ state: OpaquePointer, _ place: CInt) -> [UInt8]? {
        var length = 0
        guard let start = unsafe lua_tolstring(state, place, &length) else { return nil }
        return unsafe start.withMemoryRebound(to: UInt8.self, capacity: length) {
            unsafe Array(UnsafeBufferPointer(start: $0, count: length))
        }
    }

    /// What a call was given; nil when one of them is neither a string nor a number.
    static func arguments(_ state: OpaquePointer) -> [String]? {
        let count = unsafe lua_gettop(state)
        var arguments: [String] = []
        for place in stride(from: 1, through: count, by: 1) {
            switch unsafe lua_type(state, place) {
            case LUA_TNUMBER: arguments.append(number(unsafe lua_tonumber(state, place)))
            case LUA_TSTRING: arguments.append(unsafe text(state, place) ?? "")
            default: return nil
            }
        }
        return arguments
    }

    /// With 17 digits, as Redis writes a number that a script gives to a command.
    private static func number(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e17 { return String(Int64(value)) }
        return String(format: "%.17g", value)
    }

    static func push(_ bytes: [UInt8], to state: OpaquePointer) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe lua_pushlstring(
                state, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
    }

    static func push(_ value: RESPValue, to state: OpaquePointer) {
        switch value {
        case .integer(let number): unsafe lua_pushnumber(state, Double(number))
        case .bulkString(let bytes): unsafe push(bytes, to: state)
        case .null: unsafe lua_pushboolean(state, 0)
        case .simpleString(let text): unsafe pushField("ok", text, to: state)
        case .error(let error): unsafe pushField("err", error.message, to: state)
        case .array(let values):
            unsafe lua_createtable(state, CInt(values.count), 0)
            for (place, value) in values.enumerated() {
                unsafe push(value, to: state)
                unsafe lua_rawseti(state, -2, CInt(place + 1))
            }
        }
    }

    private static func pushField(_ name: String, _ text: String, to state: OpaquePointer) {
        unsafe lua_createtable(state, 0, 1)
        unsafe push(Array(text.utf8), to: state)
        unsafe lua_setfield(state, -2, name)
    }

    /// What a script returned.
    static func reply(_ state: OpaquePointer, _ place: CInt) -> RESPValue {
        switch unsafe lua_type(state, place) {
        case LUA_TNUMBER: return .integer(whole(unsafe lua_tonumber(state, place)))
        case LUA_TSTRING: return .bulkString(unsafe bytes(state, place) ?? [])
        case LUA_TBOOLEAN: return unsafe lua_toboolean(state, place) == 1 ? .integer(1) : .null
        case LUA_TTABLE: return unsafe table(state)
        default: return .null
        }
    }

    private static func whole(_ value: Double) -> Int64 {
        Int64(exactly: value.rounded(.towardZero)) ?? .min
    }

    /// The table on top of the stack.
    private static func table(_ state: OpaquePointer) -> RESPValue {
        if let message = unsafe field("err", state) { return .error(RedisServerError(message: message)) }
        if let text = unsafe field("ok", state) { return .simpleString(text) }
        var values: [RESPValue] = []
        while true {
            unsafe lua_rawgeti(state, -1, CInt(values.count + 1))
            defer { unsafe lua_settop(state, -2) }
            if unsafe lua_type(state, -1) == LUA_TNIL { return .array(values) }
            values.append(unsafe reply(state, -1))
        }
    }

    private static func field(_ name: String, _ state: OpaquePointer) -> String? {
        unsafe lua_getfield(state, -1, name)
        defer { unsafe lua_settop(state, -2) }
        return unsafe lua_type(state, -1) == LUA_TSTRING ? unsafe text(state, -1) : nil
    }

    /// The error on top of the stack, which ended a script.
    static func failure(_ state: OpaquePointer) -> RESPValue {
        if unsafe lua_type(state, -1) == LUA_TTABLE, let message = unsafe field("err", state) {
            return .error(RedisServerError(message: message))
        }
        let message = unsafe text(state, -1) ?? "unknown"
        return .error(RedisServerError(message: "ERR \(message)"))
    }
}
