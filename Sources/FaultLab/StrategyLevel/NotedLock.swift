import LockStrategies
import RedisClient

/// A lock that says who is inside.
struct NotedLock<Lock: LeaseLock, C: MonotonicClock>: LeaseLock {
    private let lock: Lock
    private let clock: C
    private let steps: StepNotes

    init(_ lock: Lock, clock: C, steps: StepNotes) {
        self.lock = lock
        self.clock = clock
        self.steps = steps
    }

    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant
    ) async throws(StrategyError) -> AcquireOutcome {
        let asked = steps.now()
        let outcome = try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline)
        noteGrant(outcome, asked: asked)
        return outcome
    }

    func extend(
        _ lease: Lease, timeToLive: Duration
    ) async throws(StrategyError) -> ExtendOutcome {
        try await lock.extend(lease, timeToLive: timeToLive)
    }

    func release(
        _ lease: Lease, _ evidence: inout Evidence
    ) async throws(StrategyError) -> ReleaseOutcome {
        noteEnd()
        return try await lock.release(lease, &evidence)
    }

    func abandon(_ lease: Lease) async { await lock.abandon(lease) }

    private func noteGrant(_ outcome: AcquireOutcome, asked: Int64) {
        guard case .granted(let lease, _) = outcome, let call = StepNotes.call else { return }
        let now = steps.now()
        let left = clock.now.duration(to: lease.validUntil) / .nanoseconds(1)
        steps.note(
            .granted(id: call, asked: asked, at: now, end: now + Int64(left), fence: lease.fence?.rawValue))
    }

    private func noteEnd() {
        if let call = StepNotes.call { steps.note(.left(id: call, at: steps.now())) }
    }
}

extension NotedLock: ReleasingBehind where Lock: ReleasingBehind {
    func releaseBehind(_ lease: Lease, _ evidence: inout Evidence) -> Bool {
        noteEnd()
        return lock.releaseBehind(lease, &evidence)
    }
}

/// Whoever waits for its lock to end counts from before the write, which takes the lock's end along.
extension NotedLock: CarryingLock where Lock: CarryingLock {
    func acquire(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant, reading read: SectionCall
    ) async throws(StrategyError) -> (outcome: AcquireOutcome, stock: RESPValue?) {
        let asked = steps.now()
        let grant = try await lock.acquire(key, timeToLive: timeToLive, deadline: deadline, reading: read)
        noteGrant(grant.outcome, asked: asked)
        return grant
    }

    func release(
        _ lease: Lease, after write: SectionCall, _ evidence: inout Evidence
    ) async throws(StrategyError) -> (written: RESPValue, release: ReleaseOutcome?) {
        noteEnd()
        return try await lock.release(lease, after: write, &evidence)
    }
}
