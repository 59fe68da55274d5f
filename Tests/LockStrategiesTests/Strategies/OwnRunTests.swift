import Testing

@testable import LockStrategies

@Suite("How long one process takes a lock in turn")
struct OwnRunTests {
    private let now = ContinuousClock.now

    /// The time from one moment at which the process leaves the lock free to the next one.
    private func length(of run: inout OwnRun, from begin: ContinuousClock.Instant) -> Duration? {
        for step in 1...10_000 {
            let moment = begin + .milliseconds(step)
            if run.mustYield(at: moment) { return .milliseconds(step) }
            run.granted(after: 1, at: moment)
        }
        return nil
    }

    private func yields(_ run: inout OwnRun, after milliseconds: Int) -> Bool {
        run.mustYield(at: now + .milliseconds(milliseconds))
    }

    @Test("the first run ends after 20 ms; unless somebody takes the lock each is twice as long, to 640 ms")
    func growth() {
        var run = OwnRun()
        var begin = now
        run.granted(after: 1, at: begin)
        var lengths: [Duration?] = []
        for _ in 0..<8 {
            let length = length(of: &run, from: begin)
            lengths.append(length)
            begin += (length ?? .zero) + .milliseconds(20)
            run.granted(after: 1, at: begin)
        }
        #expect(lengths == [20, 40, 80, 160, 320, 640, 640, 640].map { .milliseconds($0) })
    }

    @Test("somebody else took the lock: runs are short again")
    func others() {
        var run = OwnRun()
        run.granted(after: 1, at: now)
        #expect(yields(&run, after: 20))
        run.granted(after: 1, at: now + .milliseconds(40))
        #expect(yields(&run, after: 79) == false)
        #expect(yields(&run, after: 80))
        run.granted(after: 3, at: now + .milliseconds(100))
        #expect(yields(&run, after: 119) == false)
        #expect(yields(&run, after: 120))
    }

    @Test("who was to leave it free and left the line leaves that to the next")
    func leaver() {
        var run = OwnRun()
        #expect(yields(&run, after: 0) == false)
        run.granted(after: 1, at: now)
        #expect(yields(&run, after: 20))
        #expect(yields(&run, after: 21))
    }

    @Test("nobody wants the lock for a moment: the next run begins then, and is as long as the last")
    func idle() {
        var run = OwnRun()
        run.granted(after: 1, at: now)
        #expect(yields(&run, after: 20))
        run.granted(after: 1, at: now + .milliseconds(40))
        #expect(run.isGrown)
        run.ended()
        #expect(yields(&run, after: 500) == false)
        run.granted(after: 1, at: now + .milliseconds(500))
        #expect(yields(&run, after: 539) == false)
        #expect(yields(&run, after: 540))
    }
}
