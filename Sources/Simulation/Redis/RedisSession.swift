import RedisClient

/// What a server knows of one connection: the transaction that it queues, and the keys that it watches.
struct RedisSession: Sendable {
    private struct Watch: Sendable {
        let key: String
        /// The key had ended when the watch began, and nobody had looked at it since.
        var hadEnded: Bool
    }

    var isQueueing = false
    /// A command could not be queued.
    var isSpoilt = false
    var queued: [(verb: RedisVerb, command: RedisCommand)] = []
    private var watched: [Watch] = []
    private var hasConflict = false

    /// Nothing of it has to be remembered.
    var isIdle: Bool { !isQueueing && watched.isEmpty && !hasConflict }

    mutating func watch(_ key: String, _ data: RedisData, at now: Int64) {
        guard !watches(key) else { return }
        watched.append(Watch(key: key, hadEnded: data.hasEnded(key, at: now)))
    }

    func watches(_ key: String) -> Bool { watched.contains { $0.key == key } }

    mutating func noteChange(of key: String, isGone: Bool) {
        guard let place = watched.firstIndex(where: { $0.key == key }) else { return }
        if watched[place].hadEnded {
            watched[place].hadEnded = false
            // It had ended before, and now it is gone: nothing has changed.
            if isGone { return }
        }
        hasConflict = true
    }

    func hasConflict(_ data: RedisData, at now: Int64) -> Bool {
        hasConflict || watched.contains { !$0.hadEnded && data.hasEnded($0.key, at: now) }
    }

    mutating func unwatch() {
        watched = []
        hasConflict = false
    }

    mutating func discard() { self = RedisSession() }
}
