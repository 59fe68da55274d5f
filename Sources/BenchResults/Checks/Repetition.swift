/// Which trials are run again: those that the instrument has spoilt, a bounded number of times.
///
/// Only checks that do not look at what the service did can ask for it, so no result is chosen. A trial that
/// sold wrongly is never run again: it convicts its strategy, whatever the instrument did.
package struct Repetition: Sendable, Equatable {
    /// The checks that look at the generator and its schedule alone.
    package static let checks: Set = [
        "generator-processor", "generator-lag", "generator-pauses", "arrival-process", "arrival-count",
        "arrival-gaps",
    ]

    /// How often one trial is run again.
    package static let mostOfTrial = 2

    /// How many trials of the run may still be run again.
    package private(set) var left: Int

    /// - Parameter trials: That the run will have.
    package init(trials: Int) {
        left = Self.mostOfRun(trials)
    }

    /// A quarter of the trials, two at least: a run ends in a bounded time on any machine.
    package static func mostOfRun(_ trials: Int) -> Int { max(trials / 4, 2) }

    /// Whether a spoilt trial is run again now.
    ///
    /// - Parameter attempt: The one that was spoilt, from 1.
    package mutating func takes(attempt: Int) -> Bool {
        guard attempt <= Self.mostOfTrial, left > 0 else { return false }
        left -= 1
        return true
    }

    /// - Returns: The failed checks that spoil a trial; none when it counts.
    package static func spoilers(of trial: [Check]) -> [Check] {
        if trial.contains(where: { $0.kind == .correctness && $0.state == .fail }) { return [] }
        return trial.filter { checks.contains($0.id) && $0.state == .fail }
    }
}
