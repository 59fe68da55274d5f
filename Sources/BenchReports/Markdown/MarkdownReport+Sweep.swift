import BenchModel
import BenchResults
import BenchStatistics

extension MarkdownReport {
    /// Every load of a sweep, and the law that throughput follows.
    package var sweep: [String] {
        guard let sweep = results.sweep, !sweep.points.isEmpty else { return [] }
        let isRate = sweep.kind == .rate
        let rows = sweep.points.map { point in
            let load = isRate ? Text.number(point.offeredPerSecond ?? .nan) : "\(point.users)"
            let figures = [point.responseUs.p50, point.responseUs.p95, point.responseUs.p99]
            return [point.strategy, load, Text.number(point.purchasesPerSecond)]
                + figures.map { Text.milliseconds($0) } + [Text.percent(point.successShare)]
                + (isRate ? [point.isSustained == true ? "yes" : "**no**"] : [])
        }
        let header =
            ["strategy", isRate ? "offered/s" : "users", "purchases/s", "p50", "p95", "p99", "success"]
            + (isRate ? ["sustained"] : [])
        let sentence =
            isRate
            ? "Open loads at rising rates; response time in ms, from the intended start."
            : "Closed loads of rising numbers of users; response time in ms."
        return ["## Sweep over \(isRate ? "rates" : "users")", "", sentence, ""] + Self.table(header, rows)
            + fits(sweep)
    }

    private static func parameter(_ value: Double, _ reach: RatioInterval?, digits: Int) -> String {
        let text = Text.number(value, digits: digits)
        guard let reach else { return text }
        return
            "\(text) (\(Text.number(reach.low, digits: digits)) - \(Text.number(reach.high, digits: digits)))"
    }

    private func fits(_ sweep: SweepResult) -> [String] {
        guard sweep.kind == .users else { return [] }
        let rows = sweep.fits.map { fit in
            let law = fit.law
            let worst = law.residuals.map(abs).max() ?? 0
            return [
                fit.strategy, Text.number(law.perUser),
                Self.parameter(law.contention, law.contentionReach, digits: 4),
                Self.parameter(law.coherency, law.coherencyReach, digits: 6),
                law.bestUsers.map { Text.number($0) } ?? "none",
                Text.percent(worst),
                law.residuals.map { Text.number($0 * 100, digits: 1) }.joined(separator: " "),
            ]
        }
        guard !rows.isEmpty else {
            return [
                "",
                "No law is fitted: it takes \(UniversalScalability.leastLoads) loads that sold something.",
            ]
        }
        return [
            "",
            "Universal scalability law, X(N) = λN / (1 + σ(N - 1) + κN(N - 1)); σ: what is serialised, κ: what users cost "
                + "one another. In brackets: how far they go when one load is left out. Where the residuals are large, believe the points and not the law.",
            "",
        ] + Self.table(["strategy", "λ (1/s)", "σ", "κ", "best N", "worst residual", "residuals (%)"], rows)
    }
}
