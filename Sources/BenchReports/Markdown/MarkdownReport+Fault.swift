import BenchModel
import BenchResults
import BenchStatistics

extension MarkdownReport {
    /// What the fault in the middle of each load cost; empty where nothing was broken.
    var underFault: [String] {
        guard let fault = results.workload.fault else { return [] }
        let rows = results.strategies.compactMap { strategy -> [String]? in
            let struck = results.trials.filter { $0.strategy == strategy.id }.compactMap(\.struck)
            guard !struck.isEmpty else { return nil }
            func median(_ values: [Double]) -> Double? { Spread(values)?.median }
            func time(_ value: Double?) -> String { value.map { Text.milliseconds($0) } ?? "-" }
            let recovered = struck.compactMap(\.recoveryMs)
            return [
                strategy.id,
                Text.number(median(struck.map(\.beforePerSecond)) ?? 0),
                Text.number(median(struck.map(\.duringPerSecond)) ?? 0),
                median(struck.compactMap(\.availability)).map { Text.percent($0) } ?? "-",
                recovered.count < struck.count
                    ? "not in \(struck.count - recovered.count) of \(Text.count(struck.count, "trial"))"
                    : Text.number(median(recovered) ?? 0),
                time(median(struck.compactMap(\.p99BeforeUs))),
                time(median(struck.compactMap(\.p99DuringUs))),
            ]
        }
        guard !rows.isEmpty else { return [] }
        let at = Text.number(results.workload.faultAtSeconds ?? 0)
        let lasts = Text.number(results.workload.faultForSeconds ?? 0)
        return [
            "## Under the fault", "",
            "`\(fault)` struck each trial \(at) s after its measurement began, for \(lasts) s. Medians of the trials; p99 is the "
                + "highest of a quarter of a second. Recovered: until a whole quarter of a second had at least half the rate of "
                + "before.", "",
        ]
            + Self.table(
                [
                    "strategy", "before/s", "during/s", "availability", "recovered after ms", "p99 before ms",
                    "p99 during ms",
                ], rows)
    }
}
