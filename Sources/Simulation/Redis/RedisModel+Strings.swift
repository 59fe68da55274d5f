import RedisClient

extension RedisModel {
    mutating func get(_ key: String) -> RESPValue {
        switch kind(of: key) {
        case .missing: .null
        case .hash: .wrongType
        case .string: .text(entries[key]?.text ?? "")
        }
    }

    mutating func mget(_ arguments: [String]) -> RESPValue {
        .array(
            arguments.dropFirst().map { key in
                let reply = get(key)
                return reply == .wrongType ? .null : reply
            })
    }

    mutating func set(_ arguments: [String]) throws(UnknownRedisCommand) -> RESPValue {
        guard let options = SetOptions(arguments.dropFirst(3)) else { return .syntaxError }
        let key = arguments[1]
        var end: Int64?
        if let (unit, text) = options.expiry {
            guard let time = RedisNumber.parse(text) else { return .notAnInteger }
            guard let found = unit.end(time, now: now) else { return .invalidExpireTime(in: "set") }
            end = found
        }
        var old: RESPValue?
        if options.repliesOldValue {
            let found = get(key)
            if found == .wrongType { return found }
            old = found
        }
        let isThere = kind(of: key) != .missing
        if options.onlyIfMissing && isThere || options.onlyIfThere && !isThere { return old ?? .null }
        if options.keepsEnd { end = entries[key]?.end }
        entries[key] = Entry(text: arguments[2], end: end)
        touch(key)
        return old ?? .ok
    }

    mutating func increase(_ key: String, by text: String) -> RESPValue {
        guard let change = RedisNumber.parse(text) else { return .notAnInteger }
        return add(change, to: key)
    }

    mutating func decrease(_ key: String, by text: String) -> RESPValue {
        guard let change = RedisNumber.parse(text) else { return .notAnInteger }
        guard change != .min else { return .refusal("decrement would overflow") }
        return add(-change, to: key)
    }

    mutating func add(_ change: Int64, to key: String) -> RESPValue {
        var old: Int64 = 0
        switch kind(of: key) {
        case .missing: break
        case .hash: return .wrongType
        case .string:
            guard let number = RedisNumber.parse(entries[key]?.text ?? "") else { return .notAnInteger }
            old = number
        }
        let (sum, isTooLarge) = old.addingReportingOverflow(change)
        guard !isTooLarge else { return .overflow }
        write(String(sum), to: key)
        return .integer(sum)
    }
}

/// The options of SET.
private struct SetOptions {
    enum Unit: String {
        case ex, px, exat, pxat

        /// When a key ends; nil when Redis does not take the time.
        func end(_ time: Int64, now: Int64) -> Int64? {
            guard time > 0 else { return nil }
            var milliseconds = time
            if self == .ex || self == .exat {
                guard time <= Int64.max / 1000 else { return nil }
                milliseconds *= 1000
            }
            if self == .ex || self == .px { milliseconds &+= now }
            return milliseconds > 0 ? milliseconds : nil
        }
    }

    var onlyIfMissing = false
    var onlyIfThere = false
    var repliesOldValue = false
    var keepsEnd = false
    var expiry: (unit: Unit, time: String)?

    /// Nil for options that are unknown or exclude each other.
    init?(_ words: ArraySlice<String>) {
        var rest = words
        while let word = rest.popFirst()?.lowercased() {
            switch word {
            case "nx" where !onlyIfThere: onlyIfMissing = true
            case "xx" where !onlyIfMissing: onlyIfThere = true
            case "get": repliesOldValue = true
            case "keepttl" where expiry == nil: keepsEnd = true
            default:
                guard let unit = Unit(rawValue: word), !keepsEnd, expiry == nil || expiry?.unit == unit,
                    let time = rest.popFirst()
                else { return nil }
                expiry = (unit, time)
            }
        }
    }
}
