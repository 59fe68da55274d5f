/// One grant of a lock: a plain value, valid until an instant of the monotonic clock.
public struct Lease: Sendable, Hashable {
    /// What is locked.
    public let key: LockKey
    /// Proves ownership; unique to this grant.
    public let token: LeaseToken
    /// Number that rises with every grant of this key, where the lock can mint one.
    public let fence: Fence?
    /// The holder must not act on the lock from this instant on.
    public let validUntil: ContinuousClock.Instant
    /// Lock nodes, by their place among all, that were never reached: they hold nothing of this grant.
    let unreached: Set<Int>

    /// - Parameters:
    ///   - key: What is locked.
    ///   - token: Unique to this grant.
    ///   - fence: Nil where the lock mints none.
    ///   - validUntil: Counted from before the lock was asked for, less the drift of clocks: see
    ///     ``LeaseValidity/end(asked:timeToLive:)``.
    public init(key: LockKey, token: LeaseToken, fence: Fence?, validUntil: ContinuousClock.Instant) {
        self.init(key: key, token: token, fence: fence, validUntil: validUntil, unreached: [])
    }

    init(
        key: LockKey, token: LeaseToken, fence: Fence?, validUntil: ContinuousClock.Instant,
        unreached: Set<Int>
    ) {
        self.key = key
        self.token = token
        self.fence = fence
        self.validUntil = validUntil
        self.unreached = unreached
    }

    /// The same grant with another end, for what an extension answers.
    public func extended(to end: ContinuousClock.Instant) -> Lease {
        Lease(key: key, token: token, fence: fence, validUntil: end, unreached: unreached)
    }
}

/// 128 random bits that only the holder of a lease knows; with a foreign lock, what that lock knows it by.
public struct LeaseToken: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// What another lock knows a grant by: its own handle, or a number of a table that has it.
    ///
    /// - Parameter text: Unique to one grant, at any time and in any process: two leases with the same text
    ///   are the same lease to whoever compares them.
    public init(foreign text: String) {
        description = text
    }

    /// 128 bits of chance, as 32 hexadecimal digits.
    public init(random: RandomSource) {
        description = random.hexadecimal128()
    }
}

/// A number that rises strictly with each grant of one key.
public struct Fence: Sendable, Hashable, Comparable {
    /// The number.
    public let rawValue: Int64

    /// A fence of this number.
    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    public static func < (left: Fence, right: Fence) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What an acquisition came to.
public enum AcquireOutcome: Sendable, Equatable {
    /// The caller holds the lock until its release or its end.
    case granted(Lease, evidence: Evidence)
    /// Somebody else held the lock until the deadline or the last retry.
    case contended(evidence: Evidence)
}

/// What an extension came to.
public enum ExtendOutcome: Sendable, Equatable {
    /// The same grant with its new end.
    case extended(Lease)
    /// Somebody else holds the key now; it was left alone.
    case notOwner
    /// The lease had ended and nobody holds the key; it was not created again.
    case absent
}

/// What a release came to.
public enum ReleaseOutcome: Sendable, Equatable {
    /// The key was this lease's, and is free.
    case released
    /// The lease had ended and somebody else holds the key; it was left alone.
    case notOwner
    /// The lease had ended, or was released before, and nobody holds the key.
    case absent
}
