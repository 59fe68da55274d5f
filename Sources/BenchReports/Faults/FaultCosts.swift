import BenchModel
import BenchResults

/// For each fault what was still sold while it lasted, and how long it took until sales were back: a mark for
/// each strategy.
struct FaultCosts: Picture {
    private struct Row: Sendable {
        let fault: String
        let marks: [Mark]
    }

    private struct Mark: Sendable {
        let strategy: String
        let availability: Double?
        /// Infinite: not in the try.
        let recoveryMs: Double?
    }

    private let title: String
    private let palette: Palette
    private let rows: [Row]
    private let shares: Scale
    private let times: Scale
    private let rowHeight: Double
    /// Every strategy has a height of its own in each row.
    private let strategies: [String]

    /// - Returns: Nil: nothing at this level has a figure.
    init?(_ matrix: FaultMatrix, _ level: FaultLevel, _ palette: Palette, title: String) {
        rows = matrix.faults(at: level).compactMap { fault in
            let marks = matrix.strategies.compactMap { strategy -> Mark? in
                guard let pair = matrix.pair(strategy, fault, level) else { return nil }
                let mark = Mark(
                    strategy: strategy, availability: pair.median(\.availability), recoveryMs: pair.recoveryMs
                )
                return mark.availability == nil && mark.recoveryMs == nil ? nil : mark
            }
            return marks.isEmpty ? nil : Row(fault: fault, marks: marks)
        }
        guard !rows.isEmpty else { return nil }
        let marks = rows.flatMap(\.marks)
        strategies = matrix.strategies.filter { strategy in marks.contains { $0.strategy == strategy } }
        shares = .linear(marks.compactMap { $0.availability.map { $0 * 100 } } + [100])
        times = .logarithmic(marks.compactMap(\.recoveryMs).filter { $0.isFinite })
        rowHeight = max(26, 8 + 4 * Double(strategies.count))
        (self.palette, self.title) = (palette, title)
    }

    private static let top = 44.0
    private static let bottom = 24.0
    private static let nameWidth = 140.0

    var height: Double { Self.top + rowHeight * Double(rows.count) + Self.bottom }

    /// Beside each other.
    var svg: String {
        frame(
            Plot.width, height,
            names(Self.top) + panel(shares: Self.nameWidth + 8...422, Self.top)
                + panel(times: 472...Plot.width - 10, Self.top))
    }

    /// Below each other.
    var narrow: String {
        let (first, second, end) = (Self.top, Self.top + height, Plot.narrowWidth - 16)
        return frame(
            Plot.narrowWidth, 2 * height,
            names(first) + panel(shares: Self.nameWidth + 4...end, first)
                + names(second) + panel(times: Self.nameWidth + 4...end, second))
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
            + "aria-label=\"\(HTML.escaped(title))\">\n\(content)\n</svg>"
    }

    private func middle(_ index: Int, _ top: Double) -> Double { top + rowHeight * (Double(index) + 0.5) }

    private func names(_ top: Double) -> String {
        rows.enumerated().map { index, row in
            let floor = Plot.short(middle(index, top) + rowHeight / 2)
            return "<text class=\"name\" x=\"\(Plot.short(Self.nameWidth))\" "
                + "y=\"\(Plot.short(middle(index, top) + 4))\" text-anchor=\"end\">\(HTML.escaped(row.fault))</text>"
                + "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"\(floor)\" y2=\"\(floor)\"/>"
        }.joined(separator: "\n")
    }

    private func axis(_ scale: Scale, _ title: String, _ span: ClosedRange<Double>, _ top: Double) -> String {
        let floor = top + rowHeight * Double(rows.count)
        // Long: read from both ends.
        let above = scale.ticks.map { tick in
            "<text x=\"\(Plot.short(place(tick.value, scale, span)))\" y=\"\(Plot.short(top - 8))\" text-anchor=\"middle\">\(tick.label)</text>"
        }
        return scale.grid(over: span, from: top, to: floor) + above.joined(separator: "\n")
            + "<text class=\"name\" x=\"\(Plot.short(span.lowerBound))\" y=\"\(Plot.short(top - 28))\">\(title)</text>"
    }

    private func place(_ value: Double, _ scale: Scale, _ span: ClosedRange<Double>) -> Double {
        scale.place(value, over: span)
    }

    private func panel(shares span: ClosedRange<Double>, _ top: Double) -> String {
        axis(shares, "availability, %", span, top)
            + marks(top) { mark in
                mark.availability.map {
                    (place($0 * 100, shares, span), $0, "availability \(Text.number($0 * 100)) %")
                }
            }
    }

    /// What did not recover stands behind the axis.
    private func panel(times span: ClosedRange<Double>, _ top: Double) -> String {
        let inner = span.lowerBound...span.upperBound - 64
        let ends = [top - 8, top + rowHeight * Double(rows.count) + 16]
        let edge = span.upperBound - 18
        return axis(times, "recovery, ms (logarithmic)", inner, top)
            + ends.map {
                "<text x=\"\(Plot.short(edge))\" y=\"\(Plot.short($0))\" text-anchor=\"middle\">never</text>"
            }.joined()
            + marks(top) { mark in
                mark.recoveryMs.map { value in
                    value.isFinite
                        ? (place(value, times, inner), value, "recovery \(Text.number(value)) ms")
                        : (edge, value, "did not recover in the try")
                }
            }
    }

    private func marks(
        _ top: Double, _ figure: (Mark) -> (x: Double, value: Double, words: String)?
    ) -> String {
        let step = (rowHeight - 8) / Double(max(strategies.count, 1))
        return rows.enumerated().flatMap { index, row in
            row.marks.compactMap { mark -> String? in
                guard let (x, value, words) = figure(mark) else { return nil }
                let place = Double(strategies.firstIndex(of: mark.strategy) ?? 0) + 0.5
                let y = middle(index, top) - (rowHeight - 8) / 2 + place * step
                return "<g color=\"\(palette.colour(mark.strategy))\" data-values=\"\(value)\">"
                    + "<title>\(HTML.escaped("\(mark.strategy) under \(row.fault): \(words)"))</title>"
                    + palette.marker(mark.strategy, x, y, size: 3.6) + "</g>"
            }
        }.joined(separator: "\n")
    }
}
