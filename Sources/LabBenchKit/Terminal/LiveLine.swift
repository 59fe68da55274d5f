import BenchLoad
import BenchModel

/// What a strategy's live line says beside its name: progress, rate, p99, errors and a sparkline always; the
/// trial's place, its model and a bar where the terminal is wide enough. Pure.
struct LiveLine: Sendable {
    /// Place of a trial in the run, `[3/40]`, or how it ended.
    let place: String
    let model: LoadModel
    let progress: LoadProgress

    /// - Parameter columns: Left for it beside the name.
    /// - Returns: The widest form that fits; where none does, the narrowest one with the newest end of its
    ///   sparkline.
    func text(columns: Int) -> String {
        let place = "\(place.padding(to: 8)) \(model.rawValue.padding(to: 8))"
        let figures = Self.figures(progress)
        let sparkline = Text.sparkline(progress.recentRates)
        let forms = [
            "\(place) [\(bar)] \(figures)", "\(place) \(percent) \(figures)", "\(percent) \(figures)",
        ]
        for form in forms where form.count + 1 + sparkline.count <= columns { return "\(form) \(sparkline)" }
        let left = max(columns - forms[2].count - 1, 0)
        return "\(forms[2]) \(sparkline.suffix(left))"
    }

    /// Rate, p99 and errors, of a width that does not change from step to step.
    static func figures(_ progress: LoadProgress) -> String {
        let rate = "\(Text.number(progress.successesPerSecond))/s".padding(to: 10)
        let p99 = "p99 \(Text.milliseconds(progress.p99Microseconds)) ms".padding(to: 12)
        return "\(rate) \(p99) \(progress.errors) errors"
    }

    private var percent: String {
        let text = "\(Int((progress.share * 100).rounded()))"
        return String(repeating: " ", count: max(3 - text.count, 0)) + text + " %"
    }

    private var bar: String {
        let cells = min(max(Int((progress.share * 16).rounded()), 0), 16)
        return String(repeating: "#", count: cells) + String(repeating: ".", count: 16 - cells)
    }
}
