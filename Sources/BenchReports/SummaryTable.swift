import BenchModel
package import BenchResults
import BenchStatistics

/// The table at the end of a run in a terminal.
package struct SummaryTable: Sendable {
    package let lines: [String]

    package init(_ results: RunResults) {
        var rows = [["strategy", "purchases/s", "success", "p50 ms", "p95 ms", "p99 ms", "stock", "ranked"]]
        for strategy in results.strategies {
            rows.append([
                strategy.id, Text.number(strategy.purchasesPerSecond?.median ?? .nan),
                Text.percent(strategy.successShare), Text.milliseconds(strategy.latencyUs.p50),
                Text.milliseconds(strategy.latencyUs.p95), Text.milliseconds(strategy.latencyUs.p99),
                strategy.stockWord,
                strategy.isRanked ? "yes" : "no: " + (strategy.notRankedBecause ?? ""),
            ])
        }
        for control in results.negativeControls {
            let state = control.isCaught.map { $0 ? "caught" : "NOT CAUGHT" } ?? "-"
            rows.append([control.id, "-", "-", "-", "-", "-", state, "no: negative control"])
        }
        let widths = rows[0].indices.map { column in rows.map(\.[column].count).max() ?? 0 }
        lines = rows.map { row in
            zip(row, widths).map { $0.padding(to: $1) }.joined(separator: "  ")
        }
    }
}
