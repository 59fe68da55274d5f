import BenchModel

/// The lines at the bottom of a terminal that change while the bench runs: how far the run is, and one line
/// for each strategy with a column for each load. Pure: every function returns what is to be written.
struct LiveBoard: Sendable {
    private struct Row: Sendable {
        let name: String
        /// What each load has shown last.
        var figures: [LoadModel: String] = [:]
        /// Of the trial that goes on now.
        var now: LiveLine?
    }

    private let loads: [LoadModel]
    private var rows: [Row]
    /// How far the run is; empty: not known yet.
    private var status = ""
    /// Lines of the terminal that the board takes now.
    private var drawn = 0
    /// Longer lines are cut: one that wraps would take two.
    var width: Int

    init(_ names: [String], loads: [LoadModel], width: Int) {
        rows = names.map { Row(name: $0) }
        self.loads = loads
        self.width = width
    }

    /// A trial of the strategy goes on.
    mutating func update(_ name: String, _ line: LiveLine, status text: String) -> String {
        guard let index = rows.firstIndex(where: { $0.name == name }) else { return "" }
        status = text
        for place in rows.indices { rows[place].now = nil }
        rows[index].figures[line.model] = line.figures
        rows[index].now = line
        return draw()
    }

    /// It has ended: its figures stay.
    mutating func finish(_ name: String, _ line: LiveLine) -> String {
        guard let index = rows.firstIndex(where: { $0.name == name }) else { return "" }
        rows[index].figures[line.model] = line.figures
        rows[index].now = nil
        return draw()
    }

    /// Something that stays, above the board.
    mutating func say(_ line: String) -> String {
        let above = clear() + line + "\n"
        return above + draw()
    }

    /// Takes the board away.
    mutating func clear() -> String {
        defer { drawn = 0 }
        return drawn > 0 ? "\u{1B}[\(drawn)A\r\u{1B}[J" : ""
    }

    private var room: Int { max(width - 1, 20) }

    private mutating func draw() -> String {
        let longest = rows.map(\.name.count).max() ?? 0
        let widths = loads.map { load in
            max(LiveLine.width, rows.compactMap { $0.figures[load]?.count }.max() ?? 0)
        }
        func columns(_ texts: [String]) -> String {
            zip(texts, widths).map { $0.padding(to: $1) }.joined(separator: "  ")
        }
        var lines = [status, "".padding(to: longest + 2) + columns(loads.map(\.rawValue))]
        lines += rows.map { row in
            let isWaiting = row.figures.isEmpty
            let text =
                "\(row.name.padding(to: longest))  "
                + columns(isWaiting ? ["waits"] : loads.map { row.figures[$0] ?? "" }).padding(
                    to: widths.reduce(0, +) + 2 * (widths.count - 1))
            return text + (row.now.map { "  " + $0.rest(columns: room - text.count - 2) } ?? "")
        }
        let text = clear() + lines.map { String($0.prefix(room)).trimmedEnd }.joined(separator: "\n") + "\n"
        drawn = lines.count
        return text
    }
}
