import RedisClient

/// One Redis that keeps locks, and the commands of a lock on it.
public struct LockNode<Redis: RedisPort>: Sendable {
    /// What tells this node from the others: its address.
    public let name: String
    /// The connection to it.
    public let redis: Redis
    private let releaseScript: RedisScript

    /// - Parameters:
    ///   - name: Its address; no two nodes of a lock have the same.
    ///   - redis: The connection to it.
    public init(name: String, redis: Redis) {
        self.init(name: name, redis: redis, releaseScript: EmbeddedScripts.releaseLock)
    }

    init(name: String, redis: Redis, releaseScript: RedisScript) {
        self.name = name
        self.redis = redis
        self.releaseScript = releaseScript
    }

    /// Sets the key with the token and its time to live in one command; false when somebody holds it.
    func set(
        _ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64, _ evidence: inout Evidence
    ) async throws(RedisError) -> Bool {
        let reply = try await redis.send(
            RedisCommand(
                "SET", key.description, token.description, "NX", "PX", String(milliseconds)), &evidence)
        return reply != .null
    }

    func release(
        _ key: LockKey, _ token: LeaseToken, _ evidence: inout Evidence
    ) async throws(RedisError) -> NodeAnswer {
        NodeAnswer(
            try await redis.finishing { () throws(RedisError) in
                try await redis.run(
                    releaseScript, keys: [key.description], arguments: [token.description], &evidence)
            })
    }

    /// Clean-up after a grant that is not wanted or was not seen.
    ///
    /// Sends the script's text, so that it needs no reply to be carried out: a node that answers too late to
    /// say that it does not know the digest still deletes the key. A node that cannot be reached drops the
    /// key when its time to live ends.
    ///
    /// - Returns: Whether the node has answered.
    @discardableResult
    func takeBack(_ key: LockKey, _ token: LeaseToken, _ evidence: inout Evidence) async -> Bool {
        let reply = try? await redis.finishing { () throws(RedisError) in
            try await redis.send(
                RedisCommand("EVAL", releaseScript.source, "1", key.description, token.description),
                &evidence)
        }
        return reply != nil
    }

    /// The same after the answer of the call, where nobody counts.
    @discardableResult
    func takeBackLater(_ key: LockKey, _ token: LeaseToken) async -> Bool {
        var uncounted = Evidence()
        return await takeBack(key, token, &uncounted)
    }

    func extend(
        _ key: LockKey, _ token: LeaseToken, _ milliseconds: Int64, _ evidence: inout Evidence
    ) async throws(RedisError) -> NodeAnswer {
        NodeAnswer(
            try await redis.run(
                EmbeddedScripts.extendLock, keys: [key.description],
                arguments: [token.description, String(milliseconds)], &evidence))
    }
}

/// What a script that compares the token first has answered.
enum NodeAnswer: Sendable, Equatable {
    case done
    case notOwner
    case absent

    init(_ reply: RESPValue) {
        switch reply.integer {
        case 1: self = .done
        case -1: self = .notOwner
        default: self = .absent
        }
    }
}

extension RedisError {
    /// Whether the command may have changed something although no reply was seen.
    var mayHaveBeenApplied: Bool {
        switch code {
        case .outcomeUnknown, .protocolViolation, .cancelled: true
        case .unavailable, .timedOut, .refused: false
        }
    }
}
