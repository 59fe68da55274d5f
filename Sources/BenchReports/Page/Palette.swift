/// One colour and one marker for each strategy, the same in every plot.
///
/// Found by a search over colours that stand out on light and on dark ground: whatever kind of colour
/// blindness a reader has, two strategies with the same marker have colours far apart, and no two colours are
/// the same. `PaletteTests` holds them to that.
enum Palette {
    static let colours = [
        "#556699", "#cc0011", "#117755", "#ee6611", "#1188ee", "#bb2288", "#557733", "#5544ff", "#bb6644",
        "#77aa33", "#0099bb", "#bb6677",
    ]

    /// The strategies of the catalogue, each with a colour of its own; `PaletteTests` hold that none is
    /// missing.
    static let strategies = [
        "unguarded", "setnx-spin", "setnx-backoff", "setnx-notify", "fenced", "optimistic", "lua-atomic",
        "combining", "sharded", "sql-row", "redlock",
    ]

    /// Place of a strategy in the palette; the same in every run.
    static func index(_ strategy: String) -> Int {
        (strategies.firstIndex(of: strategy) ?? strategies.count) % colours.count
    }

    static func colour(_ strategy: String) -> String { colours[index(strategy)] }

    /// Strategies with the same number have the same marker.
    static func shape(_ index: Int) -> Int { index % 4 }

    /// A small shape around a point.
    static func marker(_ strategy: String, _ x: Double, _ y: Double, size: Double = 4) -> String {
        func at(_ dx: Double, _ dy: Double) -> String {
            "\(Plot.short(x + dx * size)),\(Plot.short(y + dy * size))"
        }
        switch shape(index(strategy)) {
        case 0:
            return "<circle cx=\"\(Plot.short(x))\" cy=\"\(Plot.short(y))\" r=\"\(Plot.short(size * 0.9))\"/>"
        case 1: return "<path d=\"M\(at(-0.8, -0.8))L\(at(0.8, -0.8))L\(at(0.8, 0.8))L\(at(-0.8, 0.8))Z\"/>"
        case 2: return "<path d=\"M\(at(0, -1.1))L\(at(1, 0.8))L\(at(-1, 0.8))Z\"/>"
        default: return "<path d=\"M\(at(0, -1.2))L\(at(1.2, 0))L\(at(0, 1.2))L\(at(-1.2, 0))Z\"/>"
        }
    }
}
