import BenchModel

/// How long a run will take.
extension RunPlan {
    /// Set-up, drain and audit of one trial, roughly.
    static let overhead = Duration.seconds(1)
    /// What an empty PostgreSQL takes to be made, and each server more than one to start.
    private var moreOverhead: Duration {
        database == .postgres ? .seconds(2) + .milliseconds(300) * (servers - 1) : .zero
    }

    /// How long the run will take, roughly.
    package var expectedTime: Duration {
        let open = trialCount - schedule.count
        // A closed load takes somewhat longer than was asked for until it is warm.
        let first = (warmup * 7 / 5 + duration + Self.overhead) * (schedule.count - controls.count)
        let second = (warmup + (sweep == nil ? openDuration : duration) + Self.overhead) * open
        let control = (controlDuration + Self.overhead) * controls.count
        let layered = layers.reduce(.zero) { $0 + $1.expectedTime }
        return first + second + control + moreOverhead * trialCount + ceilingTime + layered
    }

    /// Of the ceilings, which come before the trials.
    package var ceilingTime: Duration {
        (ceilingWarmup + ceilingDuration + Self.overhead) * ceilings.count
    }
}
