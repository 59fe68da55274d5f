import BenchModel
import BenchResults
import BenchStatistics

/// The first picture of a report: for each strategy what it sold and how long the slowest hundredth waited,
/// with how far the rounds lie apart, and whether it sold rightly.
struct Overview: Picture {
    private struct Row: Sendable {
        let id: String
        let rate: Spread?
        let p99: Double?
        let interval: TrialInterval?
        let word: String
    }

    private let rows: [Row]
    private let palette: Palette
    private let rates: Scale
    private let tails: Scale
    private let hasTails: Bool

    static let title = "What sold most, and what its slowest hundredth waited"

    /// - Returns: nil for a run that sold nothing.
    init?(_ results: RunResults, _ palette: Palette) {
        rows =
            results.byRate.map { strategy in
                Row(
                    id: strategy.id, rate: strategy.purchasesPerSecond, p99: strategy.latencyUs.p99,
                    interval: results.latencyIntervals(of: strategy)?.p99, word: strategy.stockWord)
            }
            + results.negativeControls.map { control in
                let word = control.isCaught.map { $0 ? "oversold" : "not caught" } ?? "not run"
                return Row(id: control.id, rate: nil, p99: nil, interval: nil, word: word)
            }
        guard rows.contains(where: { $0.rate != nil }) else { return nil }
        self.palette = palette
        rates = .linear(rows.compactMap { $0.rate?.max })
        let known = rows.flatMap { [$0.p99, $0.interval?.low, $0.interval?.high] }.compactMap {
            $0.map { $0 / 1000 }
        }
        hasTails = !known.isEmpty
        tails = .logarithmic(known)
    }

    private static let row = 26.0
    private static let top = 26.0
    private static let bottom = 24.0
    private static let nameWidth = 104.0

    var height: Double { Self.top + Self.row * Double(rows.count) + Self.bottom }

    /// Rates and tails beside each other.
    var svg: String {
        let split = hasTails ? 400.0 : 640.0
        return frame(
            Plot.width, height,
            names(Self.top) + panel(rates: Self.nameWidth + 8...split, Self.top)
                + (hasTails ? panel(tails: split + 40...640, Self.top) : "") + words(at: 656, Self.top))
    }

    /// Rates above, tails below.
    var narrow: String {
        let (first, second) = (Self.top + 0, Self.top + height)
        let end = Plot.narrowWidth - 64
        return frame(
            Plot.narrowWidth, hasTails ? 2 * height : height,
            names(first) + panel(rates: Self.nameWidth + 4...end, first)
                + words(at: end + 8, first, isShort: true)
                + (hasTails ? names(second) + panel(tails: Self.nameWidth + 4...end, second) : ""))
    }

    func svg(below y: Double) -> String {
        svg.replacing(
            "<svg ",
            with:
                "<svg y=\"\(Plot.short(y))\" width=\"\(Plot.short(Plot.width))\" height=\"\(Plot.short(height))\" ",
            maxReplacements: 1)
    }

    private func frame(_ width: Double, _ height: Double, _ content: String) -> String {
        "<svg viewBox=\"0 0 \(Plot.short(width)) \(Plot.short(height))\" role=\"img\" "
            + "aria-label=\"\(HTML.escaped(Self.title))\">\n\(content)\n</svg>"
    }

    private func middle(_ index: Int, _ top: Double) -> Double { top + Self.row * (Double(index) + 0.5) }

    private func names(_ top: Double) -> String {
        rows.enumerated().map { index, row in
            "<text class=\"name\" x=\"\(Plot.short(Self.nameWidth))\" y=\"\(Plot.short(middle(index, top) + 4))\" "
                + "text-anchor=\"end\">\(HTML.escaped(row.id))</text>"
        }.joined(separator: "\n")
    }

    private func words(at x: Double, _ top: Double, isShort: Bool = false) -> String {
        rows.enumerated().map { index, row in
            let kind =
                row.word == "exact"
                ? "good" : ["wrong", "oversold", "not caught"].contains(row.word) ? "bad" : "name"
            let word = isShort ? row.word.split(separator: ",").first.map(String.init) ?? row.word : row.word
            return
                "<text class=\"\(kind)\" x=\"\(Plot.short(x))\" y=\"\(Plot.short(middle(index, top) + 4))\">"
                + "\(HTML.escaped(word))</text>"
        }.joined(separator: "\n")
    }

    private func axis(_ scale: Scale, _ title: String, _ span: ClosedRange<Double>, _ top: Double) -> String {
        let floor = top + Self.row * Double(rows.count)
        return scale.grid(over: span, from: top, to: floor)
            + "<text class=\"name\" x=\"\(Plot.short(span.lowerBound))\" y=\"\(Plot.short(top - 10))\">\(title)</text>"
    }

    private func place(_ value: Double, _ scale: Scale, _ span: ClosedRange<Double>) -> Double {
        scale.place(value, over: span)
    }

    private func panel(rates span: ClosedRange<Double>, _ top: Double) -> String {
        axis(rates, "purchases/s", span, top)
            + rows.enumerated().map { index, row in
                guard let rate = row.rate else { return "" }
                let y = middle(index, top)
                let end = place(rate.median, rates, span)
                return
                    "<g color=\"\(palette.colour(row.id))\" data-values=\"\(rate.median) \(rate.min) \(rate.max)\">"
                    + "<title>\(HTML.escaped(row.id)): \(Text.number(rate.median))/s "
                    + "(\(Text.number(rate.min)) - \(Text.number(rate.max)))</title>"
                    + "<rect x=\"\(Plot.short(span.lowerBound))\" y=\"\(Plot.short(y - 8))\" height=\"16\" "
                    + "width=\"\(Plot.short(max(end - span.lowerBound, 1)))\" fill=\"currentColor\"/>"
                    + whisker(place(rate.min, rates, span), place(rate.max, rates, span), y) + "</g>"
            }.joined(separator: "\n")
    }

    private func panel(tails span: ClosedRange<Double>, _ top: Double) -> String {
        axis(tails, "p99, ms (logarithmic)", span, top)
            + rows.enumerated().map { index, row in
                guard let p99 = row.p99 else { return "" }
                let (y, x) = (middle(index, top), place(p99 / 1000, tails, span))
                let values = [p99] + (row.interval.map { [$0.low, $0.high] } ?? [])
                return
                    "<g color=\"\(palette.colour(row.id))\" data-values=\"\(values.map { "\($0)" }.joined(separator: " "))\">"
                    + "<title>\(HTML.escaped(row.id)): p99 \(Text.milliseconds(p99, within: row.interval)) ms</title>"
                    + (row.interval.map {
                        whisker(place($0.low / 1000, tails, span), place($0.high / 1000, tails, span), y)
                    } ?? "")
                    + palette.marker(row.id, x, y, size: 5.5) + "</g>"
            }.joined(separator: "\n")
    }

    private func whisker(_ low: Double, _ high: Double, _ y: Double) -> String {
        "<path class=\"whisker\" d=\"M\(Plot.short(low)) \(Plot.short(y))H\(Plot.short(high))"
            + "M\(Plot.short(low)) \(Plot.short(y - 4))V\(Plot.short(y + 4))"
            + "M\(Plot.short(high)) \(Plot.short(y - 4))V\(Plot.short(y + 4))\"/>"
    }
}
