import Testing

@testable import LockStrategies

@Suite("Renewal, the decisions")
struct RenewalScheduleTests {
    private static let start = ContinuousClock.now
    private static let policy = RenewalPolicy(
        retryPause: .seconds(1), notice: .seconds(5), maximumHold: .seconds(100))

    private static func lease(until end: Duration) -> Lease {
        Lease(key: LockKey("a"), token: LeaseToken(random: .seeded(1)), fence: nil, validUntil: start + end)
    }

    private static func schedule(valid: Duration = .seconds(29)) -> RenewalSchedule {
        RenewalSchedule(
            lease(until: valid), timeToLive: .seconds(30), granted: start, policy: policy)
    }

    @Test("16 · a lease is renewed when a third of its time to live has passed, again and again")
    func thirds() {
        var schedule = Self.schedule()
        #expect(schedule.first(now: Self.start) == .extend(at: Self.start + .seconds(10)))
        let later = Self.start + .seconds(11)
        let action = schedule.after(.extended(Self.lease(until: .seconds(40))), now: later)
        #expect(action == .extend(at: later + .seconds(10)))
        #expect(schedule.lease == Self.lease(until: .seconds(40)))
    }

    @Test("16 · a failed renewal is tried again after the pause, until the holder has to be told")
    func failures() {
        var schedule = Self.schedule()
        var now = Self.start + .seconds(10)
        var tries = 0
        while case .extend(let next) = schedule.after(.failed, now: now) {
            #expect(next == now + .seconds(1))
            now = next
            tries += 1
        }
        // At 24 s, 5 s before the validity ends, there is nothing left to try.
        #expect(tries == 13)
        #expect(schedule.after(.failed, now: now) == .giveUp(at: Self.start + .seconds(24)))
    }

    @Test("16 · a lease that is gone is told at once")
    func gone() {
        var schedule = Self.schedule()
        let now = Self.start + .seconds(10)
        #expect(schedule.after(.gone, now: now) == .giveUp(at: now))
    }

    @Test("16 · after the longest hold nothing is renewed; the holder is told before the last validity ends")
    func cap() {
        var schedule = Self.schedule()
        var now = Self.start
        var action = schedule.first(now: now)
        var renewals = 0
        while case .extend(let next) = action, renewals < 1_000 {
            now = next
            renewals += 1
            action = schedule.after(
                .extended(Self.lease(until: Self.start.duration(to: now) + .seconds(29))), now: now)
        }
        #expect(renewals == 10)
        #expect(action == .giveUp(at: Self.start + .seconds(124)))
    }

    @Test(
        "16 · the holder is told before the end, however short the lease",
        arguments: [1, 2, 10, 100, 5_000, 9_000, 20_000])
    func shortLeases(milliseconds: Int) {
        let valid = Duration.milliseconds(milliseconds)
        var schedule = RenewalSchedule(
            Self.lease(until: valid), timeToLive: valid, granted: Self.start, policy: Self.policy)
        var now = Self.start
        var action = schedule.first(now: now)
        for _ in 0..<1_000 {
            guard case .extend(let next) = action else { break }
            now = next
            action = schedule.after(.failed, now: now)
        }
        guard case .giveUp(let instant) = action else {
            Issue.record("never told")
            return
        }
        #expect(instant < Self.start + valid)
        #expect(instant >= Self.start)
    }
}
