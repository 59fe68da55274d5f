/// A lock that is granted as a lease: it ends by release or when its time to live has passed,
/// whichever comes first. One that a session holds (``AdvisoryLock``) ends by release or with the session,
/// and its leases have no end in time.
///
/// Mutual exclusion holds only while the holder acts within `Lease.validUntil`. A holder that is stopped
/// past that instant (a pause of the process, a slow disk) can act beside the next holder; only a
/// fence checked at the resource, or a resource that compares and sets, prevents the damage.
public protocol LeaseLock: Sendable {
    /// Waits for the lock on `key` until `deadline`.
    ///
    /// - Parameters:
    ///   - key: What is locked.
    ///   - timeToLive: Time after which the servers drop the lock by themselves; whole milliseconds, at
    ///     least 1.
    ///   - deadline: When the wait ends. One that has passed means a single try.
    /// - Returns: The lease, or that somebody else kept it until the deadline or the retry budget ended.
    /// - Throws: ``StrategyError`` when the question could not be answered; "contended" is no error. A key
    ///   that may have been set meanwhile is taken back first, as far as Redis can be reached.
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome

    /// Moves the end of a lease that is still held to `timeToLive` from now.
    ///
    /// Never re-creates a key that has expired and never touches a key that somebody else holds.
    ///
    /// - Throws: ``StrategyError`` when Redis did not say what became of it.
    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome

    /// Gives the lock back. Compares the token first, so it cannot hit a successor; may be repeated.
    ///
    /// - Parameters:
    ///   - lease: What ``acquire(_:timeToLive:deadline:)`` or ``extend(_:timeToLive:)`` returned.
    ///   - evidence: Gets the commands that were sent added, also when it throws. The error says nothing of
    ///     them.
    /// - Throws: ``StrategyError`` when Redis did not say what became of it.
    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome

    /// Leaves a lease to its end: the holder does not give it back, because what it wrote may still be under
    /// way. Sends nothing to the lock; what this process kept for the holder is given up.
    func abandon(_ lease: Lease) async
}

extension LeaseLock {
    /// Most locks keep nothing for a holder.
    public func abandon(_ lease: Lease) async {}

    /// Gives the lock back; an error says what was sent.
    public func release(_ lease: Lease) async throws(StrategyError) -> ReleaseOutcome {
        var cost = Evidence()
        do throws(StrategyError) {
            return try await release(lease, &cost)
        } catch {
            throw error.adding(cost)
        }
    }
}
