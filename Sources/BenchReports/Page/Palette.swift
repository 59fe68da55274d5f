/// One colour and one marker for each strategy, the same in every plot.
///
/// Found by a search over colours that stand out on light and on dark ground: whatever kind of colour
/// blindness a reader has, two strategies with the same marker have colours far apart, and no two colours are
/// the same. `PaletteTests` holds them to that.
package struct Palette: Sendable {
    static let colours = [
        "#556699", "#cc0011", "#117755", "#ee6611", "#1188ee", "#bb2288", "#557733", "#5544ff", "#bb6644",
        "#60a236", "#0099bb", "#bb6677", "#968a9c",
    ]

    /// The built-in strategies, each with a colour of its own; `PaletteTests` hold that none is missing.
    static let builtIn = [
        "unguarded", "setnx-spin", "setnx-backoff", "setnx-notify", "fenced", "optimistic", "lua-atomic",
        "combining", "sharded", "sql-row", "redlock", "pg-advisory",
    ]

    private let places: [String: Int]

    /// A built-in strategy has its own place in every run. Each other one takes the last place that no
    /// strategy of the run has; beyond thirteen strategies places are shared.
    ///
    /// - Parameter strategies: Those of a run.
    package init(_ strategies: [String]) {
        let fixed = zip(Self.builtIn, Self.colours.indices)
        var places = Dictionary(uniqueKeysWithValues: fixed)
        var free = Self.colours.indices.filter { place in
            !fixed.contains { $0.1 == place && strategies.contains($0.0) }
        }
        for name in strategies where places[name] == nil {
            places[name] = free.popLast() ?? places.count % Self.colours.count
        }
        self.places = places
    }

    func knows(_ strategy: some StringProtocol) -> Bool { places[String(strategy)] != nil }

    private func place(_ strategy: String) -> Int { places[strategy] ?? Self.colours.count - 1 }

    func colour(_ strategy: String) -> String { Self.colours[place(strategy)] }

    /// Strategies with the same number have the same marker.
    static func shape(_ index: Int) -> Int { index % 4 }

    /// A small shape around a point.
    func marker(_ strategy: String, _ x: Double, _ y: Double, size: Double = 4) -> String {
        func at(_ dx: Double, _ dy: Double) -> String {
            "\(Plot.short(x + dx * size)),\(Plot.short(y + dy * size))"
        }
        switch Self.shape(place(strategy)) {
        case 0:
            return "<circle cx=\"\(Plot.short(x))\" cy=\"\(Plot.short(y))\" r=\"\(Plot.short(size * 0.9))\"/>"
        case 1: return "<path d=\"M\(at(-0.8, -0.8))L\(at(0.8, -0.8))L\(at(0.8, 0.8))L\(at(-0.8, 0.8))Z\"/>"
        case 2: return "<path d=\"M\(at(0, -1.1))L\(at(1, 0.8))L\(at(-1, 0.8))Z\"/>"
        default: return "<path d=\"M\(at(0, -1.2))L\(at(1.2, 0))L\(at(0, 1.2))L\(at(-1.2, 0))Z\"/>"
        }
    }
}
