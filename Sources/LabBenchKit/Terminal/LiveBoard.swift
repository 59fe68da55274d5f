import BenchModel

/// The lines at the bottom of a terminal that change while the bench runs: one for each strategy. Pure: every
/// function returns what is to be written.
struct LiveBoard: Sendable {
    private struct Row: Sendable {
        let name: String
        var text: String
    }

    private var rows: [Row]
    /// Lines of the terminal that the board takes now.
    private var drawn = 0
    /// Longer lines are cut: one that wraps would take two.
    var width: Int

    init(_ names: [String], width: Int) {
        rows = names.map { Row(name: $0, text: "waits") }
        self.width = width
    }

    /// Left for what a line says beside its name.
    var columns: Int { max(width - 1, 20) - longestName - 2 }

    /// The strategy's line says something else now.
    mutating func update(_ name: String, _ text: String) -> String {
        guard let index = rows.firstIndex(where: { $0.name == name }) else { return "" }
        rows[index].text = text
        return draw()
    }

    mutating func update(_ name: String, _ line: LiveLine) -> String {
        update(name, line.text(columns: columns))
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

    private var longestName: Int { rows.map(\.name.count).max() ?? 0 }

    private mutating func draw() -> String {
        let lines = rows.map {
            String("\($0.name.padding(to: longestName))  \($0.text)".prefix(max(width - 1, 20)))
        }
        let text = clear() + lines.joined(separator: "\n") + "\n"
        drawn = rows.count
        return text
    }
}
