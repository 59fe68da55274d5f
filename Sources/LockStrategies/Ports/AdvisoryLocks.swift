/// All that a strategy may ask of PostgreSQL: sessions that hold advisory locks.
///
/// An advisory lock is a number that one session of a server may hold. The server frees it when that session
/// ends, for whatever reason, and at no other time by itself.
///
/// Source: PostgreSQL 15, "Explicit Locking", "Advisory Locks".
public protocol AdvisoryLocks: Sendable {
    /// Waits until a session of this process holds the lock of this number.
    ///
    /// - Parameters:
    ///   - number: Which lock.
    ///   - limit: How long it may take. Zero or less means a single try.
    /// - Returns: The session that holds it; nil when another session held it all the time.
    /// - Throws: ``StrategyError``: `.lockUnavailable` when PostgreSQL cannot be asked, or no session became
    ///   free; `.cancelled`. Then no session of this process holds the lock, or will: one of
    ///   which nobody knows is ended.
    func lock(_ number: Int64, within limit: Duration) async throws(StrategyError) -> (any AdvisorySession)?
}

/// A session of PostgreSQL that holds an advisory lock for one holder.
public protocol AdvisorySession: Sendable {
    /// False as soon as this process can know that the session has ended, and the lock with it. A session
    /// that the server has ended a moment ago, or behind a broken network, still seems to live.
    var isAlive: Bool { get }

    /// Frees the lock and gives the session back. Goes on in a cancelled task.
    ///
    /// - Returns: False when the session did not hold the lock any more.
    /// - Throws: ``StrategyError`` when PostgreSQL did not say what became of it. The session is ended then,
    ///   so the server frees the lock as soon as it hears of that.
    func unlock() async throws(StrategyError) -> Bool

    /// Keeps the lock for a time, and then ends the session. Returns at once.
    func end(after delay: Duration)
}
