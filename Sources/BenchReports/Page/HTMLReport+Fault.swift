import BenchModel
import BenchResults

extension HTMLReport {
    /// All strategies through the same fault, in one picture; nil: nothing was broken.
    var throughFault: Figure? {
        let trials = firstTrials.filter { $0.struck != nil && !$0.series.isEmpty }
        guard let first = trials.first, let struck = first.struck else { return nil }
        // As a share of what each sold before: so a slow strategy is seen beside a fast one.
        let shares = trials.map { trial in
            let usual = trial.struck?.beforePerSecond ?? 0
            let points = moments(trial).dropLast().map { ($0.0, usual > 0 ? $0.1.perSecond / usual : 0) }
            return (trial: trial, points: points)
        }
        let last = trials.map(end).max() ?? 1
        var above = Plot(
            palette, title: "Purchases over time", x: .linear(from: 0, to: last),
            y: .linear(from: 0, to: min(max(shares.flatMap(\.points).map(\.1).max() ?? 1, 1), 4)),
            xTitle: "seconds since the first request", yTitle: "share of the rate before", height: 300)
        mark(first, &above)
        above.limit(1, "as before")
        for (trial, points) in shares {
            above.line(trial.strategy, points.map { ($0.0, min($0.1, 4)) }, values: points.map(\.1))
        }
        let slow = trials.map { trial in
            (trial, moments(trial).compactMap { step in step.1.p99Us.map { (step.0, $0) } })
        }
        var below = Plot(
            palette, title: "p99 over time", x: .linear(from: 0, to: last),
            y: .logarithmic(slow.flatMap { $0.1.map { $0.1 / 1000 } }),
            xTitle: "seconds since the first request", yTitle: "p99, milliseconds", height: 300)
        mark(first, &below)
        for (trial, points) in slow {
            below.line(trial.strategy, points.map { ($0.0, $0.1 / 1000) }, values: points.map(\.1))
        }
        return Figure(
            title: "All strategies through \(struck.fault)", [above, below],
            "First round. Shaded: \(struck.fault). Above: purchases/s as a share of each strategy's own rate before. "
                + "Below: the p99 of what was answered in each quarter of a second.",
            keys: trials.map { key($0.strategy) })
    }
}
