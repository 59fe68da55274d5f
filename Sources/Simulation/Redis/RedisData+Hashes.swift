import RedisClient

extension RedisData {
    mutating func carryOutHash(
        _ verb: RedisVerb, _ words: [String], at now: Int64
    ) throws(UnknownRedisCommand) -> RESPValue {
        let entry = find(words[0], at: now)
        var fields: [(field: String, value: String)] = []
        switch entry?.value {
        case nil: break
        case .hash(let found): fields = found
        case .text:
            // What is wrong with its words is said first.
            if verb == .hset, !words.count.isMultiple(of: 2) { break }
            if verb == .hincrby, Self.integer(words[2]) == nil { return .noInteger }
            return .wrongType
        }
        switch verb {
        case .hget: return fields.first { $0.field == words[1] }.map { .text($0.value) } ?? .null
        case .hgetall: return Self.list(fields)
        case .hlen: return .integer(Int64(fields.count))
        case .hscan:
            guard words.count == 2, words[1] == "0" else {
                throw UnknownRedisCommand(command: "HSCAN " + words.joined(separator: " "))
            }
            return .array([.text("0"), Self.list(fields)])
        case .hset:
            guard !words.count.isMultiple(of: 2) else {
                return .failure("ERR wrong number of arguments for 'hset' command")
            }
            var added: Int64 = 0
            for place in stride(from: 1, to: words.count, by: 2) {
                added += Self.put(words[place], words[place + 1], in: &fields)
            }
            put(words[0], .hash(fields), end: entry?.end)
            return .integer(added)
        case .hdel:
            let before = fields.count
            fields.removeAll { words.dropFirst().contains($0.field) }
            let removed = before - fields.count
            if removed > 0 { store(words[0], fields, end: entry?.end, at: now) }
            return .integer(Int64(removed))
        case .hincrby: return increase(words, &fields, end: entry?.end)
        default: throw UnknownRedisCommand(command: verb.rawValue)
        }
    }

    private mutating func increase(
        _ words: [String], _ fields: inout [(field: String, value: String)], end: Int64?
    ) -> RESPValue {
        guard let step = Self.integer(words[2]) else { return .noInteger }
        let text = fields.first { $0.field == words[1] }?.value ?? "0"
        guard let before = Self.integer(text) else { return .failure("ERR hash value is not an integer") }
        let (after, isOver) = before.addingReportingOverflow(step)
        guard !isOver else { return .failure("ERR increment or decrement would overflow") }
        _ = Self.put(words[1], String(after), in: &fields)
        put(words[0], .hash(fields), end: end)
        return .integer(after)
    }

    /// A hash without a field is none.
    private mutating func store(
        _ key: String, _ fields: [(field: String, value: String)], end: Int64?, at now: Int64
    ) {
        if fields.isEmpty {
            _ = delete(key, at: now)
        } else {
            put(key, .hash(fields), end: end)
        }
    }

    /// 1 when the field is new.
    private static func put(
        _ field: String, _ value: String, in fields: inout [(field: String, value: String)]
    ) -> Int64 {
        if let place = fields.firstIndex(where: { $0.field == field }) {
            fields[place].value = value
            return 0
        }
        fields.append((field, value))
        return 1
    }

    private static func list(_ fields: [(field: String, value: String)]) -> RESPValue {
        .array(fields.flatMap { [RESPValue.text($0.field), .text($0.value)] })
    }
}
