import BenchAudit
import LockStrategies
import RedisClient
import Synchronization

/// Sees every hold of every lock from inside the process that takes them, and counts those that began while
/// another one of the same key went on. No clock is compared: a release is noted before it is sent, a grant
/// when it has come, so two holds that follow one another can never seem to overlap.
final class HoldWatch: Sendable {
    private struct Hold {
        let token: LeaseToken
        let validUntil: ContinuousClock.Instant
    }

    private struct State {
        var tally = HoldTally()
        var hasLock = false
        var inside: [LockKey: [Hold]] = [:]
    }

    private let state = Mutex(State())

    var tally: HoldTally { state.withLock { $0.tally } }

    /// A lock was given to it.
    var hasLock: Bool { state.withLock { $0.hasLock } }

    /// The lock, so that this sees who is inside.
    func watched(_ lock: any LeaseLock) -> any LeaseLock {
        func wrap(_ lock: some LeaseLock) -> any LeaseLock { WatchedLock(lock: lock, watch: self) }
        state.withLock { $0.hasLock = true }
        return wrap(lock)
    }

    func granted(_ lease: Lease, at now: ContinuousClock.Instant) {
        state.withLock { state in
            // Who may no longer rely on a lease is not inside, whether it was given back or not.
            var holds = state.inside[lease.key, default: []].filter { $0.validUntil > now }
            state.tally.holds += 1
            if !holds.isEmpty { state.tally.overlaps += 1 }
            holds.append(Hold(token: lease.token, validUntil: lease.validUntil))
            state.inside[lease.key] = holds
        }
    }

    func released(_ lease: Lease) {
        state.withLock { $0.inside[lease.key]?.removeAll { $0.token == lease.token } }
    }
}

/// A lock that tells a ``HoldWatch`` who is inside.
struct WatchedLock<Lock: LeaseLock>: LeaseLock {
    let lock: Lock
    let watch: HoldWatch

    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let outcome = try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline)
        if case .granted(let lease, _) = outcome { watch.granted(lease, at: .now) }
        return outcome
    }

    func extend(_ lease: Lease, timeToLive: Duration) async throws(StrategyError) -> ExtendOutcome {
        try await lock.extend(lease, timeToLive: timeToLive)
    }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        watch.released(lease)
        return try await lock.release(lease, &evidence)
    }

    /// The lease goes on to its end, and so does the hold.
    func abandon(_ lease: Lease) async { await lock.abandon(lease) }
}

extension WatchedLock: SessionBoundLock where Lock: SessionBoundLock {
    func isHeld(_ lease: Lease) -> Bool { lock.isHeld(lease) }
}

extension WatchedLock: ReleasingBehind where Lock: ReleasingBehind {
    func releaseBehind(_ lease: Lease, _ evidence: inout Evidence) -> Bool {
        watch.released(lease)
        return lock.releaseBehind(lease, &evidence)
    }
}

extension WatchedLock: CarryingLock where Lock: CarryingLock {
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant, reading read: SectionCall
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        let grant = try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline, reading: read)
        if case .granted(let lease, _) = grant.outcome { watch.granted(lease, at: .now) }
        return grant
    }

    func release(
        _ lease: Lease, after write: SectionCall, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?) {
        watch.released(lease)
        return try await lock.release(lease, after: write, &evidence)
    }
}
