import CLua
import RedisClient

/// Values from Lua to the protocol and back, as Redis converts them.
extension LuaInterpreter {
    // MARK: To Lua

    func push(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                unsafe lua_pushlstring(state, characters.baseAddress, characters.count)
            }
        }
    }

    func push(list: ArraySlice<String>) {
        unsafe lua_createtable(state, Int32(list.count), 0)
        var place: Int32 = 1
        for text in list {
            push(text)
            unsafe lua_rawseti(state, -2, place)
            place += 1
        }
    }

    func push(_ reply: RESPValue) {
        switch reply {
        case .integer(let number): unsafe lua_pushnumber(state, Double(number))
        case .null: unsafe lua_pushboolean(state, 0)
        case .bulkString(let bytes):
            unsafe bytes.withUnsafeBytes { raw in
                let characters = unsafe raw.assumingMemoryBound(to: CChar.self)
                unsafe lua_pushlstring(state, characters.baseAddress, characters.count)
            }
        case .simpleString(let text): pushTable("ok", text)
        case .error(let error): pushError(error.message)
        case .array(let values):
            unsafe lua_checkstack(state, 4)
            unsafe lua_createtable(state, Int32(values.count), 0)
            var place: Int32 = 1
            for value in values {
                push(value)
                unsafe lua_rawseti(state, -2, place)
                place += 1
            }
        }
    }

    func pushError(_ message: String) { pushTable("err", message) }

    private func pushTable(_ name: String, _ text: String) {
        unsafe lua_createtable(state, 0, 1)
        push(text)
        unsafe lua_setfield(state, -2, name)
    }

    /// A number as an argument of a command.
    static func commandText(of number: Double) -> String {
        if let whole = Int64(exactly: number), abs(number) < 1e15, whole != 0 || number.sign == .plus {
            return String(whole)
        }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { characters in
            unsafe lab_lua_number_text(number, characters.baseAddress)
            return unsafe String(cString: characters.baseAddress!)
        }
    }

    // MARK: From Lua

    /// The text of a string or a number; nil for any other value, and for bytes that are not UTF-8.
    func text(at index: Int32) -> String? {
        var length = 0
        guard let characters = unsafe lua_tolstring(state, index, &length) else { return nil }
        let raw = unsafe UnsafeRawBufferPointer(start: characters, count: length)
        return unsafe String(validating: raw.assumingMemoryBound(to: UInt8.self), as: UTF8.self)
    }

    /// What a client gets for the value on top of the stack. The stack stays as it is.
    func replyOnTop() -> RESPValue {
        switch unsafe lua_type(state, -1) {
        case LUA_TSTRING: return .bulkString(bytesOnTop())
        case LUA_TBOOLEAN: return unsafe lua_toboolean(state, -1) != 0 ? .one : .null
        case LUA_TNUMBER: return .integer(Self.truncated(unsafe lua_tonumber(state, -1)))
        case LUA_TTABLE: return replyOfTable()
        default: return .null
        }
    }

    private func replyOfTable() -> RESPValue {
        unsafe lua_checkstack(state, 8)
        if let message = ownText("err") {
            return .error(RedisServerError(message: Self.oneLine(message)))
        }
        if let status = ownText("ok") { return .simpleString(Self.oneLine(status)) }
        for name in ["double", "map", "set", "big_number", "verbatim_string"] where has(name) {
            unknown = unknown ?? UnknownRedisCommand("a script's reply of the kind \(name)")
        }
        var values: [RESPValue] = []
        var place: Int32 = 1
        while true {
            unsafe lua_rawgeti(state, -1, place)
            defer { unsafe lua_settop(state, -2) }
            if unsafe lua_type(state, -1) == LUA_TNIL { return .array(values) }
            values.append(replyOnTop())
            place += 1
        }
    }

    private func bytesOnTop() -> [UInt8] {
        var length = 0
        guard let characters = unsafe lua_tolstring(state, -1, &length) else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: characters, count: length))
    }

    /// The text of a table's own field, which must be a string.
    private func ownText(_ name: String) -> String? {
        push(name)
        unsafe lua_rawget(state, -2)
        defer { unsafe lua_settop(state, -2) }
        return unsafe lua_type(state, -1) == LUA_TSTRING ? text(at: -1) : nil
    }

    private func has(_ name: String) -> Bool {
        push(name)
        unsafe lua_rawget(state, -2)
        defer { unsafe lua_settop(state, -2) }
        return unsafe lua_type(state, -1) != LUA_TNIL
    }

    /// As C casts it on x86: what does not fit becomes the smallest number.
    private static func truncated(_ number: Double) -> Int64 {
        Int64(exactly: number.rounded(.towardZero)) ?? .min
    }
}
