package import RedisClient

/// A lock in the Redis of the stock whose commands carry those of the section: the grant brings the stock
/// along, and the write takes the release along. That saves two round trips, both inside the lock.
///
/// What is carried is carried out in one step with the lock's own script. A lock without this ability sends
/// its commands, and the section sends the section's.
package protocol CarryingLock: LeaseLock {
    /// As ``LeaseLock/acquire(_:timeToLive:deadline:)``; what grants the lock also reads.
    ///
    /// - Returns: With the grant the answer to `read`; nil when the read has failed, or was not made.
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant, reading read: SectionCall
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?)

    /// Writes, and gives the lock back whatever the write answers.
    ///
    /// - Parameters:
    ///   - lease: What the acquisition returned.
    ///   - write: The write.
    ///   - evidence: Gets the commands that were sent added, also when it throws.
    /// - Returns: What the write answered, and what became of the lease; nil when the release has failed.
    /// - Throws: ``StrategyError``. With `.outcomeUnknown` both may have been carried out, or still be under
    ///   way. With any other code nothing was written, and the lease is still to be given back.
    func release(
        _ lease: Lease, after write: SectionCall, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?)
}

extension CarryingLock {
    /// What ``release(_:after:_:)`` is on one Redis.
    func release<Redis: RedisPort, C: MonotonicClock>(
        _ lease: Lease, of leases: OneNodeLeases<Redis, C>, after write: SectionCall,
        _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?) {
        let (written, answer) = try await leases.write(write, thenRelease: lease, &evidence)
        guard let answer else { return (written, await releaseAgain(lease, &evidence)) }
        return (written, ReleaseOutcome(answer))
    }

    /// Gives a lease back whose release failed behind its write. The write stands, and nothing is under way.
    func releaseAgain(_ lease: Lease, _ evidence: inout Evidence) async -> ReleaseOutcome? {
        let (release, cost) = await SendPermit.lifted {
            var cost = Evidence()
            return (try? await self.release(lease, &cost), cost)
        }
        evidence = evidence + cost
        return release
    }
}
