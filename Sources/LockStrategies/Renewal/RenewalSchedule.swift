/// The decisions about one lease in use. Pure: instants come in as arguments.
///
/// Ends by itself: `maximumHold` after the grant no renewal is asked for, and at the latest `notice` before
/// the end of the last validity the holder is told.
struct RenewalSchedule: Sendable {
    enum Event: Sendable {
        /// The servers moved the end of the lease.
        case extended(Lease)
        /// The renewal failed without an answer: the lease may still be ours until its validity ends.
        case failed
        /// The servers say that the lease is not ours any more.
        case gone
    }

    enum Action: Sendable, Equatable {
        /// Ask the servers at this instant to move the end of the lease.
        case extend(at: ContinuousClock.Instant)
        /// Tell the holder at this instant that the lease is lost.
        case giveUp(at: ContinuousClock.Instant)
    }

    private let policy: RenewalPolicy
    private let timeToLive: Duration
    private let lastRenewal: ContinuousClock.Instant
    private(set) var lease: Lease
    /// The last instant at which the holder can be told in time. A lease that is shorter than twice the
    /// notice gets half of what it had when it was granted or renewed.
    private(set) var lastNotice: ContinuousClock.Instant

    init(_ lease: Lease, timeToLive: Duration, granted: ContinuousClock.Instant, policy: RenewalPolicy) {
        self.policy = policy
        self.timeToLive = timeToLive
        self.lease = lease
        lastRenewal = granted + policy.maximumHold
        lastNotice = Self.lastNotice(of: lease, now: granted, policy)
    }

    private static func lastNotice(
        of lease: Lease, now: ContinuousClock.Instant, _ policy: RenewalPolicy
    ) -> ContinuousClock.Instant {
        let left = now.duration(to: lease.validUntil)
        return lease.validUntil - min(policy.notice, max(left / 2, .zero))
    }

    /// The first action after the grant.
    func first(now: ContinuousClock.Instant) -> Action {
        next(extendAt: now + timeToLive * policy.interval, now)
    }

    mutating func after(_ event: Event, now: ContinuousClock.Instant) -> Action {
        switch event {
        case .extended(let longer):
            lease = longer
            lastNotice = Self.lastNotice(of: longer, now: now, policy)
            return next(extendAt: now + timeToLive * policy.interval, now)
        case .failed:
            return next(extendAt: now + policy.retryPause, now)
        case .gone:
            return .giveUp(at: now)
        }
    }

    private func next(extendAt: ContinuousClock.Instant, _ now: ContinuousClock.Instant) -> Action {
        guard extendAt < lastNotice, extendAt <= lastRenewal else {
            return .giveUp(at: max(lastNotice, now))
        }
        return .extend(at: extendAt)
    }
}
