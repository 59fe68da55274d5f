import Testing

@testable import LockStrategies

@Suite("Who of one process may ask for a lock")
struct WaitingLineTests {
    private let now = ContinuousClock.now
    private let key = LockKey("a")

    private func lease(until end: ContinuousClock.Instant) -> Lease {
        Lease(key: key, token: LeaseToken(random: .system), fence: nil, validUntil: end)
    }

    @Test("only the first asks; the second does when the first has left")
    func order() {
        var line = WaitingLine()
        line.enter(1)
        line.enter(2)
        #expect(line.turn(of: 1, now: now) == .ask)
        #expect(line.turn(of: 2, now: now) == .wait(until: nil))
        line.leave(1, with: nil)
        #expect(line.turn(of: 2, now: now) == .ask)
    }

    @Test("while a task of this process holds the lock the first waits, but not past that lease")
    func holder() {
        var line = WaitingLine()
        line.enter(1)
        line.enter(2)
        let end = now + .seconds(1)
        line.leave(1, with: lease(until: end))
        #expect(line.turn(of: 2, now: now) == .wait(until: end))
        #expect(line.turn(of: 2, now: end) == .ask)
    }

    @Test("a release lets the first ask; the release of another lease does not")
    func release() {
        var line = WaitingLine()
        line.enter(1)
        line.enter(2)
        let held = lease(until: now + .seconds(1))
        line.leave(1, with: held)
        line.released(LeaseToken(random: .system))
        #expect(line.turn(of: 2, now: now) != .ask)
        line.released(held.token)
        #expect(line.turn(of: 2, now: now) == .ask)
    }

    @Test("an extension moves the end up to which the first waits")
    func extended() {
        var line = WaitingLine()
        line.enter(1)
        line.enter(2)
        let held = lease(until: now + .seconds(1))
        line.leave(1, with: held)
        line.extended(held.extended(to: now + .seconds(9)))
        #expect(line.turn(of: 2, now: now + .seconds(5)) == .wait(until: now + .seconds(9)))
    }

    @Test("one in the middle who leaves changes nobody's turn")
    func leaveInTheMiddle() {
        var line = WaitingLine()
        for ticket in 1...3 { line.enter(UInt64(ticket)) }
        line.leave(2, with: nil)
        #expect(line.turn(of: 1, now: now) == .ask)
        #expect(line.turn(of: 3, now: now) == .wait(until: nil))
        line.leave(1, with: nil)
        #expect(line.turn(of: 3, now: now) == .ask)
    }

    @Test("a line is forgotten when nobody waits and no lease is open")
    func idle() {
        var line = WaitingLine()
        line.enter(1)
        let held = lease(until: now + .seconds(1))
        line.leave(1, with: held)
        #expect(line.isEmpty && !line.isIdle)
        line.forgetEnded(now: now)
        #expect(!line.isIdle)
        line.forgetEnded(now: now + .seconds(1))
        #expect(line.isIdle)
    }
}
