import BenchModel
package import BenchResults
import BenchStatistics

/// The table at the end of a run in a terminal: the fastest first, both loads beside each other.
package struct SummaryTable: Sendable {
    package let lines: [String]

    /// - Parameters:
    ///   - width: Of the terminal. Where the table does not fit, the bar gets shorter, then goes away.
    ///   - paint: Gives a cell the colours that a terminal has.
    package init(_ results: RunResults, width: Int = 80, paint: Paint = Paint(isOn: false)) {
        let rows =
            results.byRate.map { Row($0, isLeader: results.leaders.contains($0.id)) }
            + results.negativeControls.map(Row.init)
        let most = results.byRate.first?.purchasesPerSecond?.median ?? 0
        let columns = Columns(results)
        let titles = columns.titles
        let cells = rows.map(columns.cells)
        let widths = titles.indices.map { column in
            ([titles[column].count] + cells.map(\.[column].count)).max() ?? 0
        }
        let gaps = 2 * titles.count
        let bar = min(max(width - 1 - widths.reduce(0, +) - gaps, 0), 24)
        func line(_ row: [String], _ bars: String, _ style: (Int, String) -> String) -> String {
            var parts = row.enumerated().map { column, text in
                style(
                    column,
                    column == 0 || column == row.count - 1
                        ? text.padding(to: widths[column]) : text.leading(to: widths[column]))
            }
            if bar >= 6 { parts.insert(bars.padding(to: bar), at: 2) }
            return parts.joined(separator: "  ").trimmedEnd
        }
        lines =
            [line(titles, "", { _, text in paint.soft(text) })]
            + zip(rows, cells).map { row, cells in
                let share = most > 0 ? (row.rate ?? 0) / most : 0
                let bars = String(repeating: "#", count: Int((share * Double(bar)).rounded()))
                return line(cells, bars) { column, text in
                    switch column {
                    case 0 where row.isLeader: paint.strong(text)
                    case cells.count - 1: paint.state(row.state, text)
                    default: text
                    }
                }
            } + Self.notes(results)
    }

    /// Why strategies are not ranked, each reason once.
    private static func notes(_ results: RunResults) -> [String] {
        let reasons = results.byRate.filter { !$0.isRanked }.map { $0.notRankedBecause ?? "" }
        return reasons.removingDuplicates().map { reason in
            let names = results.byRate.filter { !$0.isRanked && ($0.notRankedBecause ?? "") == reason }.map(
                \.id)
            let who =
                names.count == results.strategies.count && names.count > 1
                ? "none" : names.joined(separator: ", ")
            return who == "none" ? "none is ranked: \(reason)" : "not ranked: \(who): \(reason)"
        }
    }
}

extension SummaryTable {
    fileprivate struct Row {
        let id: String
        let rate: Double?
        let latency: Percentiles?
        let open: StrategyResult.Open?
        let success: Double?
        let state: String
        let isLeader: Bool

        init(_ strategy: StrategyResult, isLeader: Bool) {
            id = strategy.id
            rate = strategy.purchasesPerSecond?.median
            latency = strategy.latencyUs
            open = strategy.open
            success = strategy.successShare
            state = strategy.stockWord
            self.isLeader = isLeader
        }

        init(_ control: ControlResult) {
            id = control.id
            (rate, latency, open, success) = (nil, nil, nil, nil)
            state = control.isCaught.map { $0 ? "caught" : "NOT CAUGHT" } ?? "not run"
            isLeader = false
        }

    }

    /// What the table has beside what every run has.
    fileprivate struct Columns {
        /// The rate of the open load; nil: there was none.
        let offered: String?
        /// Some purchase was refused or failed.
        let hasSuccess: Bool

        init(_ results: RunResults) {
            let open = results.strategies.lazy.compactMap(\.open).first
            offered = open.map { Text.number($0.offeredPerSecond) }
            hasSuccess = results.strategies.contains { ($0.successShare ?? 1) < 1 }
        }

        var titles: [String] {
            ["strategy", "sold/s"] + (hasSuccess ? ["success"] : []) + ["p50 ms", "p95 ms", "p99 ms"]
                + (offered.map { ["p99 at \($0)/s"] } ?? []) + ["stock"]
        }

        func cells(_ row: Row) -> [String] {
            [row.id, row.rate.map(Text.number) ?? "-"]
                + (hasSuccess ? [row.success.map(Self.whole) ?? "-"] : [])
                + [\Percentiles.p50, \.p95, \.p99].map { part in
                    row.latency.map { $0.milliseconds($0[keyPath: part]) } ?? "-"
                } + (offered == nil ? [] : [row.open.map(Self.tail) ?? "-"]) + [row.state]
        }

        private static func tail(_ open: StrategyResult.Open) -> String {
            open.isSustained ? open.responseUs.milliseconds(open.responseUs.p99) : "not kept"
        }

        /// Never rounded up to all.
        private static func whole(_ share: Double) -> String {
            share == 1 ? "100 %" : "\(Text.number((share * 1000).rounded(.down) / 10, digits: 1)) %"
        }
    }
}

/// Colours of a terminal that has them, and nothing where it has none.
package struct Paint: Sendable {
    let isOn: Bool

    package init(isOn: Bool) { self.isOn = isOn }

    /// A terminal that is called dumb, says nothing, or whose user wants none (no-color.org) has no colours.
    package init(isTerminal: Bool, environment: [String: String]) {
        let kind = environment["TERM"] ?? ""
        isOn = isTerminal && !["", "dumb"].contains(kind) && (environment["NO_COLOR"] ?? "").isEmpty
    }

    private func painted(_ code: String, _ text: String) -> String {
        isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    package func strong(_ text: String) -> String { painted("1", text) }
    func soft(_ text: String) -> String { painted("2", text) }

    /// What can be said of a stock, in green where it is good, in red where it is bad.
    func state(_ word: String, _ text: String) -> String {
        switch word {
        case "exact", "caught": painted("32", text)
        case "wrong", "NOT CAUGHT": painted("1;31", text)
        default: painted("33", text)
        }
    }

    /// The word of a verdict.
    package func verdict(_ word: String) -> String {
        switch word {
        case "pass": painted("1;32", word)
        case "violation", "invalid", "failed", "regression": painted("1;31", word)
        default: painted("1;33", word)
        }
    }
}
