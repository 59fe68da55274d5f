import RedisClient

extension RedisModel {
    mutating func hget(_ key: String, _ field: String) -> RESPValue {
        switch kind(of: key) {
        case .missing: .null
        case .string: .wrongType
        case .hash: entries[key]?.hash?[field].map { .text($0) } ?? .null
        }
    }

    mutating func hset(_ arguments: [String]) -> RESPValue {
        guard arguments.count.isMultiple(of: 2) else {
            return .refusal("wrong number of arguments for 'hset' command")
        }
        let key = arguments[1]
        let found = kind(of: key)
        if found == .string { return .wrongType }
        if found == .missing { entries[key] = Entry(hash: RedisHash()) }
        var created = 0
        for index in stride(from: 2, to: arguments.count, by: 2)
        where entries[key]?.hash?.set(arguments[index], to: arguments[index + 1]) == true {
            created += 1
        }
        touch(key)
        return .count(created)
    }

    /// The last field takes the key with it.
    mutating func hdel(_ arguments: [String]) -> RESPValue {
        let key = arguments[1]
        switch kind(of: key) {
        case .missing: return .zero
        case .string: return .wrongType
        case .hash: break
        }
        var deleted = 0
        for field in arguments.dropFirst(2) where entries[key]?.hash?.remove(field) == true { deleted += 1 }
        if entries[key]?.hash?.count == 0 { entries[key] = nil }
        if deleted > 0 { touch(key) }
        return .count(deleted)
    }

    mutating func hgetall(_ key: String) -> RESPValue {
        switch kind(of: key) {
        case .missing: .emptyArray
        case .string: .wrongType
        case .hash: fieldsAndValues(of: key)
        }
    }

    mutating func hlen(_ key: String) -> RESPValue {
        switch kind(of: key) {
        case .missing: .zero
        case .string: .wrongType
        case .hash: .count(entries[key]?.hash?.count ?? 0)
        }
    }

    mutating func hincrby(_ arguments: [String]) -> RESPValue {
        let (key, field) = (arguments[1], arguments[2])
        guard let change = RedisNumber.parse(arguments[3]) else { return .notAnInteger }
        let found = kind(of: key)
        if found == .string { return .wrongType }
        var old: Int64 = 0
        if found == .hash, let text = entries[key]?.hash?[field] {
            guard let number = RedisNumber.parse(text) else {
                return .refusal("hash value is not an integer")
            }
            old = number
        }
        let (sum, isTooLarge) = old.addingReportingOverflow(change)
        guard !isTooLarge else { return .overflow }
        if found == .missing { entries[key] = Entry(hash: RedisHash()) }
        _ = entries[key]?.hash?.set(field, to: String(sum))
        touch(key)
        return .integer(sum)
    }

    /// All fields in one reply, whatever the cursor: as Redis does it with a small hash.
    mutating func hscan(_ arguments: [String]) throws(UnknownRedisCommand) -> RESPValue {
        guard RedisNumber.isCursor(arguments[2]) else { return .refusal("invalid cursor") }
        let key = arguments[1]
        switch kind(of: key) {
        case .missing: return .array([.text("0"), .emptyArray])
        case .string: return .wrongType
        case .hash: break
        }
        var rest = arguments.dropFirst(3)
        while let option = rest.popFirst()?.lowercased() {
            guard let value = rest.popFirst() else { return .syntaxError }
            switch option {
            case "count":
                guard let count = RedisNumber.parse(value) else { return .notAnInteger }
                guard count >= 1 else { return .syntaxError }
            case "match": throw UnknownRedisCommand("option MATCH of HSCAN")
            default: return .syntaxError
            }
        }
        return .array([.text("0"), fieldsAndValues(of: key)])
    }

    private func fieldsAndValues(of key: String) -> RESPValue {
        .array((entries[key]?.hash?.inOrder ?? []).flatMap { [.text($0.field), .text($0.value)] })
    }
}
