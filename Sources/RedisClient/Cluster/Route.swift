import NIOCore

/// The way of one command through a cluster so far.
struct Route {
    let slot: Int?
    let deadline: NIODeadline
    var redirections = 0
    var failures = 0
    /// The map was wrong.
    var mustRefresh = false
    /// Version of the map that the last attempt was made by.
    private(set) var mapVersion = 0
    /// The next attempt goes with ASKING.
    private(set) var isAsking = false
    private var asked: RedisHost?
    private let policy: ReconnectPolicy

    init(slot: Int?, deadline: NIODeadline, policy: ReconnectPolicy) {
        self.slot = slot
        self.deadline = deadline
        self.policy = policy
    }

    /// The next attempt, and only that one, goes to `node`.
    mutating func ask(_ node: RedisHost) {
        asked = node
    }

    mutating func use(mapVersion version: Int) {
        mapVersion = version
        mustRefresh = false
    }

    mutating func takeAsked() -> RedisHost? {
        isAsking = asked != nil
        defer { asked = nil }
        return asked
    }

    mutating func nextPause(jitter: Double) -> Duration {
        failures += 1
        return policy.pause(afterFailures: failures, jitter: jitter)
    }
}
