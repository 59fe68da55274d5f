import RedisClient

/// The keys of a server.
struct RedisData: Sendable {
    enum Value: Sendable, Equatable {
        case text(String)
        /// Fields and values, in the order in which they came.
        case hash([(field: String, value: String)])

        static func == (one: Value, other: Value) -> Bool {
            switch (one, other) {
            case (.text(let one), .text(let other)): one == other
            case (.hash(let one), .hash(let other)): one.elementsEqual(other, by: ==)
            default: false
            }
        }
    }

    struct Entry: Sendable {
        var value: Value
        /// When it ends, in Unix milliseconds; nil: never.
        var end: Int64?
    }

    private var entries: [String: Entry] = [:]
    /// Keys that were changed and whose watchers have not been told.
    private var touched: [String] = []

    // MARK: Looking

    func has(_ key: String) -> Bool { entries[key] != nil }

    /// A key ends when the clock shows more than its end, not at it.
    func hasEnded(_ key: String, at now: Int64) -> Bool {
        entries[key]?.end.map { now > $0 } ?? false
    }

    func keys(at now: Int64) -> [(name: String, end: Int64?)] {
        entries.keys.sorted().filter { !hasEnded($0, at: now) }.map { ($0, entries[$0]?.end) }
    }

    func dump(at now: Int64) -> [String] {
        keys(at: now).map { key in
            let text =
                switch entries[key.name]?.value {
                case .text(let text): "text \(text)"
                case .hash(let fields):
                    "hash " + fields.map { "\($0.field)=\($0.value)" }.sorted().joined(separator: " ")
                case nil: ""
                }
            return "\(key.name): \(text)" + (key.end == nil ? "" : ", ends")
        }
    }

    mutating func takeTouched() -> [String] {
        defer { touched = [] }
        return touched
    }

    // MARK: Commands

    mutating func carryOut(
        _ verb: RedisVerb, _ command: RedisCommand, at now: Int64
    ) throws(UnknownRedisCommand) -> RESPValue {
        let words = Array(command.arguments.dropFirst())
        switch verb {
        case .get: return text(words[0], at: now).map { $0.map { .text($0) } ?? .null } ?? .wrongType
        case .set: return try set(words, at: now)
        case .mget:
            return .array(words.map { key in (text(key, at: now) ?? nil).map { .text($0) } ?? .null })
        case .del: return .integer(words.reduce(0) { $0 + (delete($1, at: now) ? 1 : 0) })
        case .exists: return .integer(words.reduce(0) { $0 + (find($1, at: now) == nil ? 0 : 1) })
        case .incr: return increase(words[0], by: 1, at: now)
        case .decr: return increase(words[0], by: -1, at: now)
        case .incrby: return Self.integer(words[1]).map { increase(words[0], by: $0, at: now) } ?? .noInteger
        case .decrby:
            guard let number = Self.integer(words[1]) else { return .noInteger }
            guard number != .min else { return .failure("ERR decrement would overflow") }
            return increase(words[0], by: -number, at: now)
        case .pttl, .ttl:
            guard let entry = find(words[0], at: now) else { return .integer(-2) }
            guard let end = entry.end else { return .integer(-1) }
            return .integer(verb == .pttl ? end - now : (end - now + 500) / 1000)
        case .pexpire: return try expire(words, at: now)
        case .persist:
            guard find(words[0], at: now)?.end != nil else { return .integer(0) }
            entries[words[0]]?.end = nil
            touched.append(words[0])
            return .integer(1)
        case .flushall:
            touched += entries.keys.sorted()
            entries = [:]
            return .ok
        default: return try carryOutHash(verb, words, at: now)
        }
    }

    /// The whole number that a text spells, as Redis reads it: no sign of plus, no blank, no leading zero.
    static func integer(_ text: String) -> Int64? {
        guard let number = Int64(text), String(number) == text else { return nil }
        return number
    }

    /// The entry; one that has ended is removed.
    mutating func find(_ key: String, at now: Int64) -> Entry? {
        guard hasEnded(key, at: now) else { return entries[key] }
        entries[key] = nil
        touched.append(key)
        return nil
    }

    mutating func put(_ key: String, _ value: Value, end: Int64?) {
        entries[key] = Entry(value: value, end: end)
        touched.append(key)
    }

    mutating func delete(_ key: String, at now: Int64) -> Bool {
        guard find(key, at: now) != nil else { return false }
        entries[key] = nil
        touched.append(key)
        return true
    }

    /// The text of a key: the inner nil where there is none, the outer where it is of another type.
    private mutating func text(_ key: String, at now: Int64) -> String?? {
        switch find(key, at: now)?.value {
        case nil: .some(nil)
        case .text(let text): .some(text)
        case .hash: nil
        }
    }

    private mutating func increase(_ key: String, by step: Int64, at now: Int64) -> RESPValue {
        let entry = find(key, at: now)
        let before: Int64
        switch entry?.value {
        case nil: before = 0
        case .text(let text):
            guard let number = Self.integer(text) else { return .noInteger }
            before = number
        case .hash: return .wrongType
        }
        let (after, isOver) = before.addingReportingOverflow(step)
        guard !isOver else { return .failure("ERR increment or decrement would overflow") }
        put(key, .text(String(after)), end: entry?.end)
        return .integer(after)
    }

    private mutating func set(
        _ words: [String], at now: Int64
    ) throws(UnknownRedisCommand) -> RESPValue {
        var options = RedisSetOptions()
        if let error = try options.read(Array(words.dropFirst(2)), at: now) { return error }
        let entry = find(words[0], at: now)
        if options.onlyNew, entry != nil { return .null }
        if options.onlyOld, entry == nil { return .null }
        put(words[0], .text(words[1]), end: options.keepsEnd ? entry?.end : options.end)
        return .ok
    }

    private mutating func expire(
        _ words: [String], at now: Int64
    ) throws(UnknownRedisCommand) -> RESPValue {
        guard words.count == 2 else {
            throw UnknownRedisCommand(command: "PEXPIRE " + words.joined(separator: " "))
        }
        guard let time = Self.integer(words[1]) else { return .noInteger }
        let (end, isOver) = now.addingReportingOverflow(time)
        guard !isOver else { return .failure("ERR invalid expire time in 'pexpire' command") }
        guard let entry = find(words[0], at: now) else { return .integer(0) }
        if end <= now {
            _ = delete(words[0], at: now)
        } else {
            put(words[0], entry.value, end: end)
        }
        return .integer(1)
    }
}

/// The options of SET.
private struct RedisSetOptions {
    var onlyNew = false
    var onlyOld = false
    var keepsEnd = false
    var end: Int64?

    /// The error that a client is told; nil: they are right.
    mutating func read(_ words: [String], at now: Int64) throws(UnknownRedisCommand) -> RESPValue? {
        var hasTime = false
        var place = 0
        while place < words.count {
            let option = words[place].uppercased()
            switch option {
            case "NX" where !onlyOld: onlyNew = true
            case "XX" where !onlyNew: onlyOld = true
            case "KEEPTTL" where !hasTime: keepsEnd = true
            case "PX" where !hasTime && !keepsEnd, "EX" where !hasTime && !keepsEnd,
                "PXAT" where !hasTime && !keepsEnd:
                hasTime = true
                place += 1
                guard place < words.count else { return .syntaxError }
                if let error = readTime(option, words[place], at: now) { return error }
            case "NX", "XX", "KEEPTTL", "PX", "EX", "PXAT": return .syntaxError
            default: throw UnknownRedisCommand(command: "SET … " + words.joined(separator: " "))
            }
            place += 1
        }
        return nil
    }

    private mutating func readTime(_ option: String, _ text: String, at now: Int64) -> RESPValue? {
        guard let time = RedisData.integer(text) else { return .noInteger }
        let invalid = RESPValue.failure("ERR invalid expire time in 'set' command")
        guard time > 0 else { return invalid }
        let (milliseconds, isOver) = time.multipliedReportingOverflow(by: option == "EX" ? 1000 : 1)
        guard !isOver else { return invalid }
        if option == "PXAT" {
            end = milliseconds
            return nil
        }
        let (sum, isTooFar) = now.addingReportingOverflow(milliseconds)
        guard !isTooFar else { return invalid }
        end = sum
        return nil
    }
}
