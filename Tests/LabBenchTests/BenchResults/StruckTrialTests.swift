import BenchResults
import Testing

@Suite("What a fault did to a trial")
struct StruckTrialTests {
    private func step(_ perSecond: Double, _ p99: Double? = 1_000) -> TrialResult.Step {
        TrialResult.Step(
            successes: Int(perSecond / 4), perSecond: perSecond, soldSoFar: 0, refusals: 0, errors: 0,
            p50Us: p99,
            p99Us: p99, slowestUs: 0)
    }

    /// A second of warm-up, a second before, one in which nothing is sold, one of recovery, one as before.
    private func series() -> [TrialResult.Step] {
        Array(repeating: step(10), count: 4) + Array(repeating: step(400), count: 4)
            + [step(200, 90_000), step(0, nil), step(0, nil), step(0, nil)]
            + [step(40, 800_000), step(190), step(200), step(420)] + Array(repeating: step(400), count: 4)
    }

    private func struck(_ from: Double = 2_100, _ until: Double = 3_000) -> StruckTrial {
        StruckTrial(
            fault: "pause-redis", struckMs: from, healedMs: until, series: series(), stepMs: 250, from: 1_000,
            until: 5_000)
    }

    @Test("is told by the whole steps before it and inside it, the warm-up left out")
    func rates() {
        let trial = struck()
        #expect(trial.beforePerSecond == 400 && trial.duringPerSecond == 0 && trial.availability == 0)
        #expect(trial.p99BeforeUs == 1_000 && trial.p99DuringUs == 90_000)
    }

    @Test("is over when a whole step has half the rate of before again")
    func recovery() {
        #expect(struck().recoveryMs == 750)
        // It begins inside a step, which is not looked at.
        #expect(struck(2_100, 3_010).recoveryMs == 740)
    }

    @Test("has no recovery where the window ends first, and no share where nothing was sold before")
    func unknown() {
        let never = StruckTrial(
            fault: "a", struckMs: 2_000, healedMs: 3_000, series: Array(series().prefix(13)), stepMs: 250,
            from: 1_000, until: 3_250)
        #expect(never.recoveryMs == nil)
        let nothing = StruckTrial(
            fault: "a", struckMs: 250, healedMs: 500, series: [step(0), step(0)], stepMs: 250, from: 0,
            until: 500)
        #expect(nothing.availability == nil && nothing.beforePerSecond == 0)
    }

    @Test("counts the steps that it touches where it is shorter than one")
    func short() {
        #expect(struck(2_050, 2_100).duringPerSecond == 200)
    }
}
