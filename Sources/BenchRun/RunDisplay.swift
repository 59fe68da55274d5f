package import BenchLoad

/// Shows a run while it goes on. The runner decides what happens; a display says it.
package protocol RunDisplay: Sendable {
    func announce(_ plan: RunPlan)

    /// One line that stays.
    func say(_ line: String)

    /// How the load of a trial goes.
    ///
    /// - Parameter count: Trials of the run.
    func live(_ trial: PlannedTrial, _ step: LoadProgress, of count: Int)

    /// - Parameter mark: Shown before the figures; empty: none.
    func finished(_ trial: FinishedTrial, of count: Int, note mark: String)

    /// A trial that the instrument has spoilt is run again.
    func repeats(_ trial: FinishedTrial)

    /// Takes away what shows a trial that goes on.
    func clearLine()
}
