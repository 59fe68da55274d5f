import BenchLoad
import BenchModel

/// What a strategy's live line says beside its name: rate and p99 in the column of the load; then how much of
/// the trial is over, errors, and a sparkline. Pure.
struct LiveLine: Sendable {
    let model: LoadModel
    /// What a sweep changes from trial to trial, as `8 users`; nil: nothing.
    var swept: String?
    let progress: LoadProgress

    /// Of a column of figures.
    static let width = 23

    /// Rate and p99, of a width that does not change from step to step.
    var figures: String {
        let rate = "\(Text.number(progress.successesPerSecond))/s".padding(to: 10)
        let p99 = "p99 \(Text.milliseconds(progress.p99Microseconds)) ms".padding(to: 12)
        return (swept.map { "\($0.padding(to: 12)) " } ?? "") + "\(rate) \(p99)"
    }

    /// - Parameter columns: Left for it on the line.
    /// - Returns: Progress and errors, and as much of the newest end of the sparkline as fits.
    func rest(columns: Int) -> String {
        let errors = progress.errors > 0 ? " \(Text.grouped(progress.errors)) errors" : ""
        let text = percent + errors + " "
        return text + Text.sparkline(progress.recentRates).suffix(max(columns - text.count, 0))
    }

    /// Figures of a trial that has ended, for a line that stays.
    var whole: String { "\(figures) \(progress.errors) errors" }

    private var percent: String {
        "\(Int((progress.share * 100).rounded()))".leading(to: 3) + " %"
    }
}
