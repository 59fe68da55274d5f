import RedisClient

extension RedisModel {
    mutating func delete(_ arguments: [String]) -> RESPValue {
        var deleted = 0
        for key in arguments.dropFirst() where kind(of: key) != .missing {
            delete(key)
            deleted += 1
        }
        return .count(deleted)
    }

    mutating func exists(_ arguments: [String]) -> RESPValue {
        var found = 0
        for key in arguments.dropFirst() where kind(of: key) != .missing { found += 1 }
        return .count(found)
    }

    mutating func remainingTime(of key: String, inSeconds: Bool) -> RESPValue {
        guard kind(of: key) != .missing else { return .integer(-2) }
        guard let end = entries[key]?.end else { return .integer(-1) }
        let left = max(0, end &- now)
        return .integer(inSeconds ? (left &+ 500) / 1000 : left)
    }

    /// PEXPIRE: a time that has come already deletes the key.
    mutating func expire(_ arguments: [String]) throws(UnknownRedisCommand) -> RESPValue {
        guard arguments.count == 3 else { throw UnknownRedisCommand("option \(arguments[3]) of PEXPIRE") }
        let key = arguments[1]
        guard let time = RedisNumber.parse(arguments[2]) else { return .notAnInteger }
        let (end, tooLarge) = time.addingReportingOverflow(now)
        guard !tooLarge else { return .invalidExpireTime(in: "pexpire") }
        guard kind(of: key) != .missing else { return .zero }
        if end <= now {
            delete(key)
        } else {
            entries[key]?.end = end
            touch(key)
        }
        return .one
    }

    mutating func persist(_ key: String) -> RESPValue {
        guard kind(of: key) != .missing, entries[key]?.end != nil else { return .zero }
        entries[key]?.end = nil
        touch(key)
        return .one
    }
}
