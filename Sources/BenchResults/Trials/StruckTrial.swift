package import BenchModel

/// What a fault in the middle of a trial's load did to those who bought, by the steps of the trial's series.
package struct StruckTrial: Sendable, Codable, Equatable {
    package var fault: String
    /// From the first request on.
    package var struckMs: Double
    package var healedMs: Double
    package var beforePerSecond: Double
    package var duringPerSecond: Double
    /// During, as a share of before; null: nothing was sold before.
    @OrNull package var availability: Double?
    /// From the end of the fault to the end of the first whole step with at least half the rate of before;
    /// null: not in this trial.
    @OrNull package var recoveryMs: Double?
    /// The highest p99 of a step before, and of one that the fault touches.
    @OrNull package var p99BeforeUs: Double?
    @OrNull package var p99DuringUs: Double?

    /// - Parameters:
    ///   - from: Where the measured window begins.
    ///   - until: Where it ends.
    package init(
        fault: String, struckMs: Double, healedMs: Double, series: [TrialResult.Step], stepMs: Double,
        from: Double, until: Double
    ) {
        let steps = series.enumerated().map {
            (begin: Double($0.offset) * stepMs, end: Double($0.offset + 1) * stepMs, step: $0.element)
        }
        let before = steps.filter { $0.begin >= from && $0.end <= struckMs }
        let whole = steps.filter { $0.begin >= struckMs && $0.end <= healedMs }
        let touched = steps.filter { $0.end > struckMs && $0.begin < healedMs }
        func rate(_ part: [(begin: Double, end: Double, step: TrialResult.Step)]) -> Double {
            part.isEmpty ? 0 : part.reduce(0) { $0 + $1.step.perSecond } / Double(part.count)
        }
        let usual = rate(before)
        self.fault = fault
        self.struckMs = struckMs
        self.healedMs = healedMs
        beforePerSecond = usual
        // A fault that is shorter than a step has none for itself.
        duringPerSecond = rate(whole.isEmpty ? touched : whole)
        availability = usual > 0 ? duringPerSecond / usual : nil
        recoveryMs =
            usual <= 0
            ? nil
            : steps.first { $0.begin >= healedMs && $0.end <= until && $0.step.perSecond >= usual / 2 }
                .map { $0.end - healedMs }
        p99BeforeUs = before.compactMap(\.step.p99Us).max()
        p99DuringUs = touched.compactMap(\.step.p99Us).max()
    }
}
