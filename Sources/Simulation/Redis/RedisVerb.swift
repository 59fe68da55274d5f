import RedisClient

/// The commands that the model knows.
enum RedisVerb: String, Sendable, CaseIterable {
    case get, set, mget, del, exists, incr, incrby, decr, decrby, pttl, ttl, pexpire, persist
    case hget, hset, hdel, hgetall, hincrby, hlen, hscan
    case eval, evalsha, script, publish, subscribe, unsubscribe, ping, flushall
    case multi, exec, discard, watch, unwatch

    static func named(_ command: RedisCommand) throws(UnknownRedisCommand) -> RedisVerb {
        guard let verb = RedisVerb(rawValue: command.name.lowercased()) else {
            throw UnknownRedisCommand(command: command.arguments.joined(separator: " "))
        }
        return verb
    }

    /// Words of a command, its name included; a negative number is the least.
    private var words: Int {
        switch self {
        case .multi, .exec, .discard, .unwatch: 1
        case .get, .incr, .decr, .pttl, .ttl, .persist, .hgetall, .hlen, .subscribe, .unsubscribe: 2
        case .incrby, .decrby, .hget, .publish: 3
        case .hincrby: 4
        case .ping, .flushall: -1
        case .mget, .del, .exists, .watch, .script: -2
        case .set, .pexpire, .hdel, .hscan, .eval, .evalsha: -3
        case .hset: -4
        }
    }

    /// The error for a wrong number of words; nil: it is right.
    func wrongCount(_ command: RedisCommand) -> String? {
        let count = command.arguments.count
        let isRight = words > 0 ? count == words : count >= -words
        return isRight ? nil : "ERR wrong number of arguments for '\(rawValue)' command"
    }

    /// It is carried out at once, while others are queued.
    var endsQueue: Bool {
        switch self {
        case .multi, .exec, .discard, .watch: true
        default: false
        }
    }

    var writes: Bool { mayGrow || [.del, .hdel, .pexpire, .persist, .flushall].contains(self) }

    /// Refused when memory is short.
    var mayGrow: Bool {
        [.set, .incr, .incrby, .decr, .decrby, .hset, .hincrby].contains(self)
    }

    /// A script may not call it.
    var isForbiddenInScripts: Bool {
        switch self {
        case .eval, .evalsha, .script, .subscribe, .unsubscribe, .multi, .exec, .discard, .watch, .unwatch: true
        default: false
        }
    }
}

extension RedisModel.Refusal {
    static let memoryError = "OOM command not allowed when used memory > 'maxmemory'."
    static let replicaError = "READONLY You can't write against a read only replica."
    static let diskError =
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. "
        + "Commands that may modify the data set are disabled, because this instance is configured to report "
        + "errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check "
        + "the Redis logs for details about the RDB error."

    /// What a client is told; nil: the command is carried out.
    func error(for verb: RedisVerb, queued: [(verb: RedisVerb, command: RedisCommand)]) -> String? {
        let all = verb == .exec ? queued.map(\.verb) : [verb]
        switch self {
        case .outOfMemory: return all.contains(where: \.mayGrow) ? Self.memoryError : nil
        case .readOnly: return all.contains(where: \.writes) ? Self.replicaError : nil
        case .misconfigured: return all.contains { $0.writes || $0 == .ping } ? Self.diskError : nil
        case .loading:
            let isAllowed: [RedisVerb] = [
                .multi, .exec, .discard, .watch, .unwatch, .subscribe, .unsubscribe, .publish,
            ]
            return all.allSatisfy(isAllowed.contains) ? nil : "LOADING Redis is loading the dataset in memory"
        case .busy:
            return [.multi, .discard, .watch, .unwatch].contains(verb)
                ? nil
                : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        }
    }

    /// What a script is told by a command that it calls.
    ///
    /// - Parameter hasWritten: Whether it has written before: memory that runs out then is no reason to stop.
    func error(inScript verb: RedisVerb, hasWritten: Bool) -> String? {
        switch self {
        case .outOfMemory: verb.mayGrow && !hasWritten ? Self.memoryError : nil
        case .readOnly: verb.writes ? Self.replicaError : nil
        case .misconfigured: verb.writes ? Self.diskError : nil
        case .loading, .busy: nil
        }
    }
}
