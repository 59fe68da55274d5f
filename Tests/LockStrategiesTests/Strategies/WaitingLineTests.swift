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
        _ = line.leave(1, with: nil)
        #expect(line.turn(of: 2, now: now) == .ask)
    }

    @Test("while a task of this process holds the lock the first waits, but not past that lease")
    func holder() {
        var line = WaitingLine()
        line.enter(1)
        line.enter(2)
        let end = now + .seconds(1)
        _ = line.leave(1, with: lease(until: end))
        #expect(line.turn(of: 2, now: now) == .wait(until: end))
        #expect(line.turn(of: 2, now: end) == .ask)
    }

    @Test("a release lets the first ask; the release of another lease does not")
    func release() {
        var line = WaitingLine()
        line.enter(1)
        line.enter(2)
        let held = lease(until: now + .seconds(1))
        _ = line.leave(1, with: held)
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
        _ = line.leave(1, with: held)
        line.extended(held.extended(to: now + .seconds(9)))
        #expect(line.turn(of: 2, now: now + .seconds(5)) == .wait(until: now + .seconds(9)))
    }

    @Test("one in the middle who leaves changes nobody's turn")
    func leaveInTheMiddle() {
        var line = WaitingLine()
        for ticket in 1...3 { line.enter(UInt64(ticket)) }
        _ = line.leave(2, with: nil)
        #expect(line.turn(of: 1, now: now) == .ask)
        #expect(line.turn(of: 3, now: now) == .wait(until: nil))
        _ = line.leave(1, with: nil)
        #expect(line.turn(of: 3, now: now) == .ask)
    }

    @Test("a line is forgotten when nobody waits and no lease is open")
    func idle() {
        var line = WaitingLine()
        line.enter(1)
        let held = lease(until: now + .seconds(1))
        _ = line.leave(1, with: held)
        #expect(line.isEmpty && !line.isIdle)
        line.forgetEnded(now: now)
        #expect(!line.isIdle)
        line.forgetEnded(now: now + .seconds(1))
        #expect(line.isIdle)
    }

    /// A line in which 1 holds the lock and 2 and 3 wait.
    private func held() -> (line: WaitingLine, lease: Lease) {
        var line = WaitingLine()
        for ticket in 1...3 { line.enter(UInt64(ticket)) }
        let lease = lease(until: now + .seconds(1))
        _ = line.leave(1, with: lease)
        return (line, lease)
    }

    @Test("the lock is handed to the first, which sees it once, and the next waits for that lease")
    func handOver() {
        var (line, old) = held()
        #expect(line.offer(by: old.token) == 2)
        #expect(line.turn(of: 2, now: now) == .offered)
        // The end of the old lease changes nothing while the answer is out.
        #expect(line.turn(of: 2, now: now + .seconds(2)) == .offered)
        let new = lease(until: now + .seconds(9))
        let isTaken = line.handedOver(new, to: 2)
        #expect(isTaken)
        #expect(line.turn(of: 3, now: now) == .wait(until: now + .seconds(9)))
        #expect(line.turn(of: 2, now: now) == .granted(new))
        #expect(line.turn(of: 2, now: now) == .wait(until: nil))
        // The old token is nobody's any more.
        line.released(old.token)
        #expect(line.turn(of: 3, now: now) != .ask)
        #expect(line.offer(by: old.token) == nil)
        #expect(line.offer(by: new.token) == 3)
    }

    @Test("one that leaves while the lock is handed to it does not get it, and neither does the next")
    func leavesDuringHandOver() {
        var (line, old) = held()
        #expect(line.offer(by: old.token) == 2)
        #expect(line.leave(2, with: nil) == nil)
        let isTaken = line.handedOver(lease(until: now + .seconds(9)), to: 2)
        #expect(!isTaken)
        #expect(line.turn(of: 3, now: now) == .wait(until: now + .seconds(1)))
        line.released(old.token)
        #expect(line.turn(of: 3, now: now) == .ask)
    }

    @Test("one that leaves before it has seen its lease gives it back")
    func leavesWithGrant() {
        var (line, old) = held()
        #expect(line.offer(by: old.token) == 2)
        let new = lease(until: now + .seconds(9))
        let isTaken = line.handedOver(new, to: 2)
        #expect(isTaken)
        #expect(line.leave(2, with: nil) == new)
        #expect(line.leave(2, with: nil) == nil)
    }

    @Test("a hand-over that failed leaves the waiter where it was")
    func failedHandOver() {
        var (line, old) = held()
        #expect(line.offer(by: old.token) == 2)
        // A second release of the same lease meanwhile has nobody to hand it to.
        #expect(line.offer(by: old.token) == nil)
        line.notHandedOver(to: 2)
        #expect(line.turn(of: 2, now: now) == .wait(until: now + .seconds(1)))
        line.released(old.token)
        #expect(line.turn(of: 2, now: now) == .ask)
        // Who asks for itself is handed nothing.
        #expect(line.offer(by: old.token) == nil)
    }

    @Test("after so many hand-overs in a row comes a release; a lease that was asked for begins anew")
    func chain() {
        var line = WaitingLine()
        let tasks = UInt64(WaitingLine.longestChain) + 4
        for ticket in 0..<tasks { line.enter(ticket) }
        var held = lease(until: now + .seconds(1))
        _ = line.leave(0, with: held)
        for ticket in 1...UInt64(WaitingLine.longestChain) {
            #expect(line.offer(by: held.token) == ticket)
            held = lease(until: now + .seconds(1))
            let isTaken = line.handedOver(held, to: ticket)
            #expect(isTaken)
        }
        #expect(line.offer(by: held.token) == nil)
        line.released(held.token)
        let next = UInt64(WaitingLine.longestChain) + 1
        #expect(line.turn(of: next, now: now) == .ask)
        let asked = lease(until: now + .seconds(1))
        _ = line.leave(next, with: asked)
        #expect(line.offer(by: asked.token) == next + 1)
    }
}
