package import RedisClient

/// A Redis server 7.0.15 as a value: keys, scripts, connections and their transactions. A copy is a snapshot.
///
/// It has no clock, no chance and no order that differs between two processes: the same commands at the same
/// times always have the same replies. `DifferentialTests` hold it against a real `redis-server`. What it
/// does not know it refuses with ``UnknownRedisCommand``.
///
/// Where Redis itself has no fixed order or time, the model takes one: the fields of a large hash come in the
/// order in which they were set, and a key that has ended is deleted when a command next touches it, never
/// before.
package struct RedisModel: Sendable {
    package typealias ConnectionID = Int

    /// Why the server refuses commands now.
    package enum Refusal: Sendable, Hashable, CaseIterable {
        /// `maxmemory` is reached and nothing may be evicted.
        case outOfMemory
        /// The server is a replica.
        case readOnly
        /// The server reads its files after a start.
        case loading
        /// A script runs for too long.
        case busy
        /// The last snapshot could not be written.
        case misconfigured
    }

    /// A message on its way to a subscriber.
    package struct Delivery: Sendable, Hashable {
        package let connection: ConnectionID
        package let channel: String
        package let message: String
    }

    /// A key's value: a hash, or a string where there is no hash.
    struct Entry: Sendable {
        var text = ""
        var hash: RedisHash?
        /// The last millisecond of its life.
        var end: Int64?
    }

    enum Kind: Sendable {
        case missing, string, hash
    }

    package var refusal: Refusal?
    /// Keys that a command found at the end of their time to live, in the order in which they were found.
    package private(set) var timedOut: [String] = []

    var entries: [String: Entry] = [:]
    var scripts: [String: RedisScript] = [:]
    var connections: [ConnectionID: Connection] = [:]
    /// Who watches a key, in the order of WATCH.
    var watches: [String: [Watch]] = [:]
    /// Who listens to a channel, in the order of SUBSCRIBE.
    var subscribers: [String: [ConnectionID]] = [:]
    var deliveries: [Delivery] = []
    /// The server's wall clock at the command that is carried out, in unix milliseconds.
    var now: Int64 = 0
    /// Whether the script that runs has called a command that writes: then memory does not matter any more.
    var scriptHasWritten = false

    package init() {}

    /// Carries out one command, and what it entails.
    ///
    /// - Parameter now: The server's wall clock in unix milliseconds. It may go back, and it may jump.
    /// - Throws: When the model does not know the command, or one that a script calls. What a script or a
    ///   transaction did before that stays done.
    package mutating func execute(
        _ command: RedisCommand, from connection: ConnectionID, at now: Int64, lua: LuaInterpreter
    ) throws(UnknownRedisCommand) -> RESPValue {
        self.now = now
        let call = try RedisCall(command.arguments)
        if let reason = reasonToRefuse(call, from: connection) {
            return refuse(call, from: connection, because: reason)
        }
        if connections[connection]?.isInTransaction == true, !call.rule.flags.contains(.neverQueued) {
            return try queue(call, from: connection)
        }
        return try carryOut(call, from: connection, lua: lua)
    }

    /// Messages that were published since the last call, for each channel in the order of subscription.
    package mutating func takeDeliveries() -> [Delivery] {
        defer { deliveries = [] }
        return deliveries
    }

    /// Ends a connection: what it watched, queued and listened to is gone.
    package mutating func disconnect(_ connection: ConnectionID) {
        unwatch(connection)
        for channel in connections[connection]?.channels ?? [] { removeSubscriber(connection, of: channel) }
        connections[connection] = nil
    }

    /// The server starts again, with the data of a snapshot or with none. Its scripts, its connections and
    /// the reason for which it refused commands are gone.
    package mutating func restart(keeping snapshot: RedisModel?) {
        let kept = snapshot?.entries ?? [:]
        self = RedisModel()
        entries = kept
    }

    /// Every living key with its type, its value and its end, sorted.
    package func dump(at now: Int64) -> [String] {
        keys(at: now).compactMap { key in
            guard let entry = entries[key.name] else { return nil }
            let end = key.end.map { " until \($0)" } ?? ""
            guard let hash = entry.hash else { return "\(key.name) string \(entry.text)\(end)" }
            let fields = hash.sorted.map { "\($0.field)=\($0.value)" }.joined(separator: " ")
            return "\(key.name) hash \(fields)\(end)"
        }
    }

    /// Every living key, sorted, and the last millisecond of its life where it has one.
    package func keys(at now: Int64) -> [(name: String, end: Int64?)] {
        entries.filter { !hasEnded($0.value, at: now) }.map { (name: $0.key, end: $0.value.end) }
            .sorted { $0.name < $1.name }
    }
}

extension RedisModel {
    func hasEnded(_ entry: Entry, at now: Int64) -> Bool {
        guard let end = entry.end else { return false }
        return now > end
    }

    func hasEnded(_ key: String) -> Bool {
        guard let entry = entries[key] else { return false }
        return hasEnded(entry, at: now)
    }

    /// Finds out whether a key lives. One that has ended is deleted on this occasion, though not by a
    /// replica, which waits for its master to do so.
    mutating func kind(of key: String) -> Kind {
        guard let entry = entries[key] else { return .missing }
        guard hasEnded(entry, at: now) else { return entry.hash == nil ? .string : .hash }
        if refusal != .readOnly {
            timedOut.append(key)
            delete(key)
        }
        return .missing
    }

    mutating func delete(_ key: String) {
        entries[key] = nil
        touch(key)
    }

    /// Writes a string over whatever the key held; its end stays as it was.
    mutating func write(_ text: String, to key: String) {
        entries[key] = Entry(text: text, end: entries[key]?.end)
        touch(key)
    }
}
