import BenchModel
import BenchResults
import BenchStatistics

/// The pictures of a sweep.
extension HTMLReport {
    var sweepFigures: [Figure] {
        guard let sweep = results.sweep, !sweep.points.isEmpty else { return [] }
        return sweep.kind == .users ? [throughput(sweep)] : [latency(sweep)]
    }

    private var swept: [String] { results.strategies.map(\.id) }

    /// Marks are measured, dashed lines the law.
    private func throughput(_ sweep: SweepResult) -> Figure {
        let most =
            sweep.points.map(\.purchasesPerSecond) + sweep.fits.flatMap { $0.law.curve.map(\.perSecond) }
        var plot = Plot(
            palette, title: "Purchases per second over users",
            x: .logarithmic(sweep.points.map { Double($0.users) } + [100]), y: .linear(most), xTitle: "users",
            yTitle: "purchases/s", height: 380)
        for fit in sweep.fits {
            plot.line(
                fit.strategy, fit.law.curve.map { ($0.users, $0.perSecond) },
                values: fit.law.curve.map(\.perSecond),
                isDashed: true, dashedWord: "the law")
        }
        for point in sweep.points {
            plot.dot(
                point.strategy, Double(point.users), point.purchasesPerSecond,
                value: point.purchasesPerSecond,
                note: "\(point.strategy), \(point.users) users: \(Text.number(point.purchasesPerSecond))/s")
        }
        return Figure(
            plot,
            "Marks: measured, closed load. Dashed: the universal scalability law, fitted to them where there are six "
                + "loads or more; its residuals stand in the table.", keys: swept.map(key))
    }

    private func latency(_ sweep: SweepResult) -> Figure {
        let points = sweep.points.filter { $0.responseUs.p50 != nil }
        let all = points.flatMap { [$0.responseUs.p50, $0.responseUs.p95].compactMap { $0 } }
        var plot = Plot(
            palette, title: "Latency over offered rate",
            x: .logarithmic(points.compactMap(\.offeredPerSecond)),
            y: .logarithmic(all.map { $0 / 1000 }), xTitle: "purchases/s offered",
            yTitle: "milliseconds (response time)", height: 380)
        for id in swept {
            let own = points.filter { $0.strategy == id }
            func line(_ figure: (Percentiles) -> Double?, isDashed: Bool) {
                let known = own.compactMap { point in
                    figure(point.responseUs).map { (point.offeredPerSecond ?? 0, $0) }
                }
                plot.line(
                    id, known.map { ($0.0, $0.1 / 1000) }, values: known.map(\.1), isDashed: isDashed,
                    dashedWord: "p50")
            }
            line({ $0.p95 }, isDashed: false)
            line({ $0.p50 }, isDashed: true)
        }
        let target = results.workload.thresholds.p95Ms
        plot.limit(target, "target: p95 below \(Text.number(target)) ms")
        return Figure(plot, "Open load. Solid: p95. Dashed: p50.", keys: swept.map(key))
    }
}
