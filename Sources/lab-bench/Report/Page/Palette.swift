import LockStrategies

/// One colour and one marker for each strategy, the same in every plot. The colours keep apart for colour-blind
/// readers (after Paul Tol's schemes) and stand out on light and on dark ground; the marker helps where twelve
/// colours are too many.
enum Palette {
    static let colours = [
        "#0077bb", "#ee7733", "#009988", "#cc3311", "#33a8dd", "#ee3377", "#8c8c2b", "#7b5bd6", "#b8860b",
        "#5aae61", "#888888", "#a0522d",
    ]

    /// Place of a strategy in the palette; the same in every run.
    static func index(_ strategy: String) -> Int {
        let place = StrategyID.allCases.firstIndex { $0.rawValue == strategy } ?? StrategyID.allCases.count
        return place % colours.count
    }

    static func colour(_ strategy: String) -> String { colours[index(strategy)] }

    /// A small shape around a point.
    static func marker(_ strategy: String, _ x: Double, _ y: Double, size: Double = 4) -> String {
        func at(_ dx: Double, _ dy: Double) -> String {
            "\(Plot.short(x + dx * size)),\(Plot.short(y + dy * size))"
        }
        switch index(strategy) % 4 {
        case 0:
            return "<circle cx=\"\(Plot.short(x))\" cy=\"\(Plot.short(y))\" r=\"\(Plot.short(size * 0.9))\"/>"
        case 1: return "<path d=\"M\(at(-0.8, -0.8))L\(at(0.8, -0.8))L\(at(0.8, 0.8))L\(at(-0.8, 0.8))Z\"/>"
        case 2: return "<path d=\"M\(at(0, -1.1))L\(at(1, 0.8))L\(at(-1, 0.8))Z\"/>"
        default: return "<path d=\"M\(at(0, -1.2))L\(at(1.2, 0))L\(at(0, 1.2))L\(at(-1.2, 0))Z\"/>"
        }
    }
}
