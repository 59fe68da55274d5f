import RedisClient

/// What Redis checks before it carries out a command, in its order.
extension RedisModel {
    /// - Returns: The reason; a leading "-" marks one that brings its own code.
    func reasonToRefuse(_ call: RedisCall, from connection: ConnectionID) -> String? {
        guard call.hasRightArity else { return "wrong number of arguments for '\(call.rule.name)' command" }
        let state = connections[connection]
        // EXEC is what its commands are.
        let flags =
            call.rule.verb == .exec ? call.rule.flags.union(state?.queuedFlags ?? []) : call.rule.flags
        if refusal == .outOfMemory {
            let queues =
                state?.isInTransaction == true && call.rule.verb != .exec && call.rule.verb != .discard
            if queues || flags.contains(.denyOutOfMemory) { return Refusal.outOfMemory.reason }
        }
        if refusal == .misconfigured, flags.contains(.write) || call.rule.verb == .ping {
            return Refusal.misconfigured.reason
        }
        if refusal == .readOnly, flags.contains(.write) { return Refusal.readOnly.reason }
        if state?.channels.isEmpty == false, !flags.contains(.forSubscribers) {
            return
                "Can't execute '\(call.rule.name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                + "RESET are allowed in this context"
        }
        if refusal == .loading, !flags.contains(.loading) { return Refusal.loading.reason }
        if refusal == .busy, !flags.contains(.allowBusy) { return Refusal.busy.reason }
        return nil
    }

    /// A refused command spoils the transaction to which it belongs.
    mutating func refuse(
        _ call: RedisCall, from connection: ConnectionID, because reason: String
    ) -> RESPValue {
        if call.rule.verb == .exec {
            endTransaction(of: connection)
            let bare = reason.hasPrefix("-") ? String(reason.dropFirst()) : reason
            return .refusal("-EXECABORT Transaction discarded because of: \(bare)")
        }
        if connections[connection]?.isInTransaction == true { connections[connection]?.isSpoilt = true }
        return .refusal(reason)
    }

    /// Carries out a command of a client.
    mutating func carryOut(
        _ call: RedisCall, from connection: ConnectionID, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        let arguments = call.arguments
        switch call.rule.verb {
        case .watch: return watch(arguments, from: connection)
        case .unwatch: return forgetWatches(of: connection)
        case .multi: return beginTransaction(from: connection)
        case .exec: return try commit(from: connection, lua: lua)
        case .discard: return discard(from: connection)
        case .subscribe: return try subscribe(arguments, from: connection)
        case .unsubscribe: return try unsubscribe(arguments, from: connection)
        case .eval: return try evaluate(arguments, lua: lua)
        case .evalsha: return try evaluateByDigest(arguments, lua: lua)
        case .script: throw UnknownRedisCommand("command SCRIPT")
        case .scriptLoad: return try loadScript(arguments[2], lua: lua)
        case .scriptFlush: return flushScripts(arguments)
        case .scriptExists: return scriptsExist(arguments)
        case .ping:
            guard arguments.count <= 2 else {
                return .refusal("wrong number of arguments for 'ping' command")
            }
            let listens = connections[connection]?.channels.isEmpty == false
            guard listens else { return ping(arguments) }
            return .array([.text("pong"), .text(arguments.count == 2 ? arguments[1] : "")])
        default: return try carryOut(call.rule.verb, arguments)
        }
    }

    /// Carries out what clients and scripts may ask alike.
    mutating func carryOut(
        _ verb: RedisCall.Verb, _ arguments: [String]
    ) throws(UnknownRedisCommand) -> RESPValue {
        switch verb {
        case .get: get(arguments[1])
        case .set: try set(arguments)
        case .mget: mget(arguments)
        case .incr: add(1, to: arguments[1])
        case .decr: add(-1, to: arguments[1])
        case .incrby: increase(arguments[1], by: arguments[2])
        case .decrby: decrease(arguments[1], by: arguments[2])
        case .del: delete(arguments)
        case .exists: exists(arguments)
        case .pttl: remainingTime(of: arguments[1], inSeconds: false)
        case .ttl: remainingTime(of: arguments[1], inSeconds: true)
        case .pexpire: try expire(arguments)
        case .persist: persist(arguments[1])
        case .hget: hget(arguments[1], arguments[2])
        case .hset: hset(arguments)
        case .hdel: hdel(arguments)
        case .hgetall: hgetall(arguments[1])
        case .hincrby: hincrby(arguments)
        case .hlen: hlen(arguments[1])
        case .hscan: try hscan(arguments)
        case .publish: publish(arguments[2], to: arguments[1])
        case .ping: ping(arguments)
        case .watch, .unwatch, .multi, .exec, .discard, .subscribe, .unsubscribe, .eval, .evalsha, .script,
            .scriptLoad, .scriptFlush, .scriptExists:
            throw UnknownRedisCommand("command \(arguments[0]) at this place")
        }
    }

    private func ping(_ arguments: [String]) -> RESPValue {
        switch arguments.count {
        case 1: .simpleString("PONG")
        case 2: .text(arguments[1])
        default: .refusal("wrong number of arguments for 'ping' command")
        }
    }
}

extension RedisModel.Refusal {
    /// What the server says, with a leading "-" before the code.
    var reason: String {
        switch self {
        case .outOfMemory: "-OOM command not allowed when used memory > 'maxmemory'."
        case .readOnly: "-READONLY You can't write against a read only replica."
        case .loading: "-LOADING Redis is loading the dataset in memory"
        case .busy:
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        case .misconfigured:
            "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
                + "disk. Commands that may modify the data set are disabled, because this instance is "
                + "configured to report errors during writes if RDB snapshotting fails "
                + "(stop-writes-on-bgsave-error option). "
                + "Please check the Redis logs for details about the RDB error."
        }
    }
}
