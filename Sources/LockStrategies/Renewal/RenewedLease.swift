import RedisClient
import Synchronization

/// A lease that is renewed while its holder works; what the holder reads from inside.
public struct HeldLease: Sendable {
    private let newest: LeaseBox

    init(_ box: LeaseBox) {
        newest = box
    }

    /// The grant with its newest end.
    public var lease: Lease { newest.lease }

    /// Set before the end of the validity, together with the cancellation of the holder's task.
    public var isLost: Bool { newest.isLost }
}

/// The newest state of one lease, shared by the holder and its renewal.
final class LeaseBox: Sendable {
    private let state: Mutex<(lease: Lease, isLost: Bool)>

    init(_ lease: Lease) {
        state = Mutex((lease, false))
    }

    var lease: Lease { state.withLock { $0.lease } }
    var isLost: Bool { state.withLock { $0.isLost } }

    func extended(to lease: Lease) { state.withLock { $0.lease = lease } }
    func lose() { state.withLock { $0.isLost = true } }
}

/// What became of the work under a renewed lease.
public enum RenewedOutcome<Value: Sendable>: Sendable {
    /// The work ended while the lease was held.
    case done(Value)
    /// Somebody else held the lock until the deadline; the work was not begun.
    case contended(evidence: Evidence)
}

extension LeaseLock {
    /// Works under a lease that is renewed until the work ends: acquire, renew every third of the time to
    /// live, release.
    ///
    /// The renewal is a child of the call: it ends with the work, with the caller's cancellation, after
    /// `renewal.maximumHold`, and when the lease is lost. A renewal that fails without an answer is tried
    /// again while the lease is valid, so a lost connection that is shorter does no harm. When the lease is
    /// lost or may not be renewed any more, the work is told **before the validity ends**: its task is
    /// cancelled and `HeldLease.isLost` is set. `.leaseLost` is thrown when the work ended by that
    /// cancellation, or returned a value only after the end; an error of its own is what the caller sees.
    ///
    /// What breaks it: work that goes on when it was told, or a process that is stopped past the validity.
    /// Cost: one round trip each third of the time to live beside the lock's own.
    ///
    /// - Throws: What `work` threw; a ``StrategyError`` when the lock could not be asked for, or was lost.
    public func withRenewedLease<Value: Sendable, C: MonotonicClock>(
        _ key: LockKey, timeToLive: Duration, deadline: ContinuousClock.Instant,
        renewal: RenewalPolicy = RenewalPolicy(), clock: C,
        work: @escaping @Sendable (HeldLease) async throws -> Value
    ) async throws -> RenewedOutcome<Value> {
        switch try await acquire(key, timeToLive: timeToLive, deadline: deadline) {
        case .contended(let evidence):
            return .contended(evidence: evidence)
        case .granted(let lease, _):
            let box = LeaseBox(lease)
            let schedule = RenewalSchedule(lease, timeToLive: timeToLive, granted: clock.now, policy: renewal)
            let result = await runRenewed(schedule, box, timeToLive, clock, work)
            let newest = box.lease
            // What the work did is what the caller sees, whatever the release does.
            _ = await uncancelled { try? await self.release(newest) }
            return .done(try result.get())
        }
    }

    /// The work and its renewal side by side; both have ended when it returns.
    private func runRenewed<Value: Sendable, C: MonotonicClock>(
        _ schedule: RenewalSchedule, _ box: LeaseBox, _ timeToLive: Duration, _ clock: C,
        _ work: @escaping @Sendable (HeldLease) async throws -> Value
    ) async -> Result<Value, any Error> {
        await withTaskGroup(of: Result<Value, any Error>?.self) { group in
            group.addTask {
                do {
                    return .success(try await work(HeldLease(box)))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await self.renew(schedule, box, timeToLive, clock)
                return nil
            }
            var result: Result<Value, any Error>?
            for await ended in group {
                if let ended { result = ended }
                // The work is over, or the lease is: either way the other one has to end.
                group.cancelAll()
            }
            let work = result ?? .failure(CancellationError())
            guard box.isLost, wasStopped(work, by: box.lease, clock.now) else { return work }
            return .failure(
                StrategyError(.leaseLost, "the lease on \(box.lease.key) was lost while it was in use"))
        }
    }

    /// Whether the loss of the lease is what the caller has to hear: the work obeyed the cancellation, or it
    /// returned a value after the end of the validity.
    private func wasStopped<Value>(
        _ work: Result<Value, any Error>, by lease: Lease, _ now: ContinuousClock.Instant
    ) -> Bool {
        switch work {
        case .success: now >= lease.validUntil
        case .failure(is CancellationError): true
        case .failure(let error as StrategyError): error.code == .cancelled
        case .failure(let error as RedisError): error.code == .cancelled
        case .failure: false
        }
    }

    /// Renews until the lease is lost or the task is cancelled; then marks it lost.
    private func renew<C: MonotonicClock>(
        _ schedule: RenewalSchedule, _ box: LeaseBox, _ timeToLive: Duration, _ clock: C
    ) async {
        var schedule = schedule
        var action = schedule.first(now: clock.now)
        while true {
            switch action {
            case .giveUp(let instant):
                guard (try? await clock.sleep(until: instant, tolerance: nil)) != nil else { return }
                return box.lose()
            case .extend(let instant):
                guard (try? await clock.sleep(until: instant, tolerance: nil)) != nil else { return }
                guard let event = await extendInTime(schedule, timeToLive, clock) else { return }
                switch event {
                case .extended(let longer): box.extended(to: longer)
                case .gone: box.extended(to: lease(schedule.lease, endingBy: clock.now))
                case .failed: break
                }
                action = schedule.after(event, now: clock.now)
            }
        }
    }

    /// A lease that the servers have dropped is over whatever its validity said.
    private func lease(_ lease: Lease, endingBy now: ContinuousClock.Instant) -> Lease {
        lease.extended(to: min(lease.validUntil, now))
    }

    /// One renewal that waits no longer than the holder can be told in time; nil when the task was cancelled.
    private func extendInTime<C: MonotonicClock>(
        _ schedule: RenewalSchedule, _ timeToLive: Duration, _ clock: C
    ) async -> RenewalSchedule.Event? {
        let lease = schedule.lease
        let latest = schedule.lastNotice
        let event = await withTaskGroup(of: RenewalSchedule.Event.self) { group in
            group.addTask {
                do throws(StrategyError) {
                    switch try await self.extend(lease, timeToLive: timeToLive) {
                    case .extended(let longer): return .extended(longer)
                    case .notOwner, .absent: return .gone
                    }
                } catch {
                    return error.code == .leaseLost ? .gone : .failed
                }
            }
            group.addTask {
                try? await clock.sleep(until: latest, tolerance: nil)
                return .failed
            }
            let first = await group.next() ?? .failed
            group.cancelAll()
            return first
        }
        return Task.isCancelled ? nil : event
    }
}
