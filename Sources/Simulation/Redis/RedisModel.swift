package import RedisClient

/// A Redis server as a value: what it holds, which scripts it knows, and who watches and listens. A copy is a
/// snapshot.
///
/// It models version 7.0 and the commands that strategies and the service use; a test holds it against
/// redis-server. A command that it does not know is an error of its own, never a guess. Nothing depends on the
/// order of a Swift dictionary.
package struct RedisModel: Sendable {
    package typealias ConnectionID = Int

    /// Why a server does not carry commands out.
    package enum Refusal: String, Sendable, CaseIterable {
        case outOfMemory = "out of memory"
        case readOnly = "read-only replica"
        case loading = "loading its data"
        case busy = "busy with a script"
        case misconfigured = "cannot write to its disk"
    }

    /// A published message on its way to a subscriber.
    package struct Delivery: Sendable, Equatable {
        package let connection: ConnectionID
        package let channel: String
        package let message: String
    }

    package var refusal: Refusal?
    var data = RedisData()
    /// Scripts by their digests.
    var scripts: [String: RedisScript] = [:]
    var sessions: [ConnectionID: RedisSession] = [:]
    /// Who listens to a channel, in the order in which they came.
    private var listeners: [String: [ConnectionID]] = [:]
    private var deliveries: [Delivery] = []

    package init() {}

    /// Carries out a command.
    ///
    /// - Parameter now: What the server's wall clock shows, in Unix milliseconds.
    package mutating func execute(
        _ command: RedisCommand, from connection: ConnectionID, at now: Int64, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        let verb = try RedisVerb.named(command)
        var session = sessions[connection] ?? RedisSession()
        defer { sessions[connection] = session.isIdle ? nil : session }
        if let error = verb.wrongCount(command) ?? refusal?.error(for: verb, queued: session.queued) {
            if verb == .exec, session.isQueueing {
                session.discard()
                return .failure("EXECABORT Transaction discarded because of: \(error)")
            }
            if session.isQueueing { session.isSpoilt = true }
            return .failure(error)
        }
        if session.isQueueing, !verb.endsQueue {
            session.queued.append((verb, command))
            return .simpleString("QUEUED")
        }
        switch verb {
        case .multi:
            guard !session.isQueueing else { return .failure("ERR MULTI calls can not be nested") }
            session.isQueueing = true
            return .ok
        case .discard:
            guard session.isQueueing else { return .failure("ERR DISCARD without MULTI") }
            session.discard()
            return .ok
        case .watch:
            guard !session.isQueueing else { return .failure("ERR WATCH inside MULTI is not allowed") }
            for key in command.arguments.dropFirst() { session.watch(key, data, at: now) }
            return .ok
        case .unwatch:
            session.unwatch()
            return .ok
        case .exec:
            return try exec(&session, at: now, lua: lua)
        case .subscribe, .unsubscribe:
            return listen(verb, command, connection)
        default:
            // Its own watches must see its own writes.
            sessions[connection] = session
            defer { session = sessions[connection] ?? RedisSession() }
            return try carryOut(verb, command, at: now, lua: lua)
        }
    }

    /// What was published and is on its way, oldest first.
    package mutating func takeDeliveries() -> [Delivery] {
        defer { deliveries = [] }
        return deliveries
    }

    /// The connection ended: what it watched, had queued and listened to is gone.
    package mutating func disconnect(_ connection: ConnectionID) {
        sessions[connection] = nil
        for channel in listeners.keys.sorted() {
            listeners[channel]?.removeAll { $0 == connection }
            if listeners[channel]?.isEmpty == true { listeners[channel] = nil }
        }
    }

    /// The server starts again, with the data of that one or with none. It knows no script and no connection.
    package mutating func restart(keeping other: RedisModel?) {
        let data = other?.data ?? RedisData()
        self = RedisModel()
        self.data = data
    }

    /// Subscriptions that stand.
    package var subscriptionCount: Int { listeners.values.reduce(0) { $0 + $1.count } }

    /// Names of all keys that have not ended, and when they will, sorted by name.
    package func keys(at now: Int64) -> [(name: String, end: Int64?)] { data.keys(at: now) }

    /// All keys that have not ended, a line each, sorted.
    package func dump(at now: Int64) -> [String] { data.dump(at: now) }

    // MARK: Parts

    mutating func carryOut(
        _ verb: RedisVerb, _ command: RedisCommand, at now: Int64, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        let arguments = Array(command.arguments.dropFirst())
        switch verb {
        case .eval, .evalsha: return try eval(verb, arguments, at: now, lua: lua)
        case .script: return try script(arguments)
        case .publish: return publish(arguments[0], arguments[1])
        case .ping: return .simpleString("PONG")
        default:
            let reply = try data.carryOut(verb, command, at: now)
            for key in data.takeTouched() { touch(key) }
            return reply
        }
    }

    private mutating func exec(
        _ session: inout RedisSession, at now: Int64, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        guard session.isQueueing else { return .failure("ERR EXEC without MULTI") }
        defer { session.discard() }
        guard !session.isSpoilt else {
            return .failure("EXECABORT Transaction discarded because of previous errors.")
        }
        guard !session.hasConflict(data, at: now) else { return .null }
        var replies: [RESPValue] = []
        for (verb, command) in session.queued {
            replies.append(try carryOut(verb, command, at: now, lua: lua))
        }
        return .array(replies)
    }

    /// Whoever watches the key has a conflict now.
    private mutating func touch(_ key: String) {
        for connection in sessions.keys where sessions[connection]?.watches(key) == true {
            sessions[connection]?.noteChange(of: key, isGone: !data.has(key))
        }
    }

    private mutating func publish(_ channel: String, _ message: String) -> RESPValue {
        let receivers = listeners[channel] ?? []
        deliveries += receivers.map { Delivery(connection: $0, channel: channel, message: message) }
        return .integer(Int64(receivers.count))
    }

    private mutating func listen(
        _ verb: RedisVerb, _ command: RedisCommand, _ connection: ConnectionID
    ) -> RESPValue {
        let channel = command.arguments[1]
        listeners[channel]?.removeAll { $0 == connection }
        if verb == .subscribe { listeners[channel, default: []].append(connection) }
        if listeners[channel]?.isEmpty == true { listeners[channel] = nil }
        let count = listeners.values.count { $0.contains(connection) }
        let word = verb == .subscribe ? "subscribe" : "unsubscribe"
        return .array([.text(word), .text(channel), .integer(Int64(count))])
    }
}

/// The model does not have this command, or not in this form.
package struct UnknownRedisCommand: Error, Sendable, CustomStringConvertible {
    package let command: String

    package var description: String {
        "the model of Redis does not know the command \"\(command)\": add it to the model, and to its "
            + "differential test"
    }
}

extension RESPValue {
    static let ok = RESPValue.simpleString("OK")
    static let wrongType = RESPValue.failure(
        "WRONGTYPE Operation against a key holding the wrong kind of value")
    static let noInteger = RESPValue.failure("ERR value is not an integer or out of range")
    static let syntaxError = RESPValue.failure("ERR syntax error")

    static func failure(_ message: String) -> RESPValue { .error(RedisServerError(message: message)) }

    static func text(_ text: String) -> RESPValue { .bulkString(Array(text.utf8)) }
}
