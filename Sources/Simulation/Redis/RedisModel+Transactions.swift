import RedisClient

extension RedisModel {
    /// What the server knows of a connection.
    struct Connection: Sendable {
        var isInTransaction = false
        /// A watched key was changed.
        var isOvertaken = false
        /// A command could not be queued.
        var isSpoilt = false
        var queue: [RedisCall] = []
        var queuedFlags: RedisCall.Flags = []
        var watched: [String] = []
        /// In the order of SUBSCRIBE.
        var channels: [String] = []
    }

    struct Watch: Sendable {
        let connection: ConnectionID
        /// The key had ended when WATCH was sent, and was not deleted yet.
        var hadEnded: Bool
    }

    /// Tells those who watch a key that it was changed.
    mutating func touch(_ key: String) {
        guard !watches.isEmpty, let watching = watches[key] else { return }
        for watch in watching {
            if watch.hadEnded {
                // Deleting a key that had ended already changes nothing for its watcher. As Redis does it, a
                // key that is there again hides the change from all who come later in the list.
                guard entries[key] == nil else { return }
                clearHadEnded(key, watch.connection)
                continue
            }
            connections[watch.connection]?.isOvertaken = true
            unwatch(watch.connection)
        }
    }

    private mutating func clearHadEnded(_ key: String, _ connection: ConnectionID) {
        guard let index = watches[key]?.firstIndex(where: { $0.connection == connection }) else { return }
        watches[key]?[index].hadEnded = false
    }

    mutating func watch(_ arguments: [String], from connection: ConnectionID) -> RESPValue {
        var state = connections[connection] ?? Connection()
        if state.isInTransaction { return .refusal("WATCH inside MULTI is not allowed") }
        if state.isOvertaken { return .ok }
        for key in arguments.dropFirst() where !state.watched.contains(key) {
            state.watched.append(key)
            watches[key, default: []].append(Watch(connection: connection, hadEnded: hasEnded(key)))
        }
        connections[connection] = state
        return .ok
    }

    mutating func unwatch(_ connection: ConnectionID) {
        guard let watched = connections[connection]?.watched, !watched.isEmpty else { return }
        for key in watched {
            watches[key]?.removeAll { $0.connection == connection }
            if watches[key]?.isEmpty == true { watches[key] = nil }
        }
        connections[connection]?.watched = []
    }

    mutating func forgetWatches(of connection: ConnectionID) -> RESPValue {
        unwatch(connection)
        connections[connection]?.isOvertaken = false
        return .ok
    }

    mutating func beginTransaction(from connection: ConnectionID) -> RESPValue {
        if connections[connection]?.isInTransaction == true {
            return .refusal("MULTI calls can not be nested")
        }
        connections[connection, default: Connection()].isInTransaction = true
        return .ok
    }

    mutating func queue(
        _ call: RedisCall, from connection: ConnectionID
    ) throws(UnknownRedisCommand) -> RESPValue {
        guard call.rule.verb != .subscribe, call.rule.verb != .unsubscribe else {
            throw UnknownRedisCommand("command \(call.arguments[0]) in a transaction")
        }
        // What will not be carried out is not kept either.
        guard let state = connections[connection], !state.isOvertaken, !state.isSpoilt else { return .queued }
        connections[connection]?.queue.append(call)
        connections[connection]?.queuedFlags.formUnion(call.rule.flags.intersection(.growing))
        return .queued
    }

    mutating func commit(
        from connection: ConnectionID, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        guard let state = connections[connection], state.isInTransaction else {
            return .refusal("EXEC without MULTI")
        }
        let hasExpired = state.watched.contains { key in
            hasEnded(key) && watches[key]?.first { $0.connection == connection }?.hadEnded == false
        }
        if state.isSpoilt || state.isOvertaken || hasExpired {
            endTransaction(of: connection)
            guard state.isSpoilt else { return .null }
            return .refusal("-EXECABORT Transaction discarded because of previous errors.")
        }
        unwatch(connection)
        defer { endTransaction(of: connection) }
        var replies: [RESPValue] = []
        for call in state.queue {
            replies.append(try carryOut(call, from: connection, lua: lua))
        }
        return .array(replies)
    }

    mutating func discard(from connection: ConnectionID) -> RESPValue {
        guard connections[connection]?.isInTransaction == true else {
            return .refusal("DISCARD without MULTI")
        }
        endTransaction(of: connection)
        return .ok
    }

    /// Forgets the queue and the watches; subscriptions stay.
    mutating func endTransaction(of connection: ConnectionID) {
        unwatch(connection)
        guard let channels = connections[connection]?.channels else { return }
        connections[connection] = channels.isEmpty ? nil : Connection(channels: channels)
    }
}
