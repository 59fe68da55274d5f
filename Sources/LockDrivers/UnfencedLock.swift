package import LockStrategies

/// The lock of a driver without its fences: the write of the stock compares with the numbers that the
/// strategy `fenced` keeps in Redis, and a driver's numbers are its own.
package struct UnfencedLock: LeaseLock {
    private let lock: DriverLock

    package init(_ lock: DriverLock) { self.lock = lock }

    package func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        switch try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline) {
        case .contended(let evidence): .contended(evidence: evidence)
        case .granted(let lease, let evidence):
            .granted(
                Lease(key: lease.key, token: lease.token, fence: nil, validUntil: lease.validUntil),
                evidence: evidence)
        }
    }

    package func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        try await lock.extend(lease, timeToLive: timeToLive)
    }

    package func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        try await lock.release(lease, &evidence)
    }
}
