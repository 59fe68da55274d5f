import BenchModel
import BenchRun

/// How far a run is, in words. Pure: it is told what time it is.
struct RunClock: Sendable {
    private var expected: Duration
    /// The part of ``expected`` that trials had which have ended.
    private var done: Duration = .zero
    private var started: ContinuousClock.Instant

    init(expected: Duration, at now: ContinuousClock.Instant) {
        self.expected = expected
        started = now
    }

    /// A part of the run is over that was to take so long.
    mutating func passed(_ part: Duration) { done += part }

    /// A part of the run has to be done again.
    mutating func repeats(_ part: Duration) { expected += part }

    /// `trial 12 of 101, 2 min 3 s passed, about 13 min left`
    ///
    /// - Parameters:
    ///   - part: How long the trial that goes on was to take.
    ///   - share: How much of it is over, 0 to 1.
    func text(trial: Int, of count: Int, part: Duration, share: Double, at now: ContinuousClock.Instant)
        -> String
    {
        let behind = done + part * share
        let elapsed = now - started
        // A machine that is slower than thought stays so. At the beginning that cannot be known.
        let pace = behind > expected * 0.1 && behind > .zero ? min(max(elapsed / behind, 0.5), 4) : 1
        let left = max(expected - behind, .zero) * pace
        return "trial \(trial) of \(count), \(Self.short(elapsed)) passed, about \(Self.short(left)) left"
    }

    /// Whole seconds; whole minutes from ten minutes on.
    private static func short(_ time: Duration) -> String {
        let seconds = (time / .seconds(1)).rounded()
        return Text.time(.seconds(seconds < 600 ? seconds : (seconds / 60).rounded() * 60))
    }
}
