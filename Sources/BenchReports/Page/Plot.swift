import Foundation

/// A small SVG picture with two axes, drawn for a wide place and for a narrow one. Marks carry the plotted
/// values of the results in `data-values`, so that a test can find every one of them there.
package struct Plot: Picture {
    package static let width = 760.0
    /// For a phone, or half of a page.
    static let narrowWidth = 380.0

    private let palette: Palette
    let title: String
    let x: Scale
    let y: Scale
    let xTitle: String
    let yTitle: String
    package var height = 340.0
    /// Instead of the ticks of the scale.
    var xLabels: [(value: Double, label: String)]?
    private var marks: [Mark] = []

    package init(
        _ palette: Palette, title: String, x: Scale, y: Scale, xTitle: String, yTitle: String,
        height: Double = 340, xLabels: [(value: Double, label: String)]? = nil
    ) {
        self.palette = palette
        (self.title, self.x, self.y) = (title, x, y)
        (self.xTitle, self.yTitle, self.height, self.xLabels) = (xTitle, yTitle, height, xLabels)
    }

    package static func short(_ value: Double) -> String { String(format: "%.1f", value).trimmingZeros }

    /// A line through points, in the strategy's colour.
    ///
    /// - Parameter values: Of the results, as they stand there; nil: the points' own y.
    package mutating func line(
        _ strategy: String, _ points: [(x: Double, y: Double)], values: [Double]? = nil,
        isDashed: Bool = false, dashedWord: String = "service", hasMarkers: Bool = true
    ) {
        guard !points.isEmpty else { return }
        let note = strategy + (isDashed ? " (\(dashedWord))" : "")
        marks.append(
            .line(
                strategy, points, values ?? points.map(\.y), note: note, isDashed: isDashed,
                hasMarkers: hasMarkers))
    }

    mutating func dot(
        _ strategy: String, _ x: Double, _ y: Double, value: Double, note: String, size: Double = 4.5
    ) {
        marks.append(.dot(strategy, x, y, value: value, note: note, size: size))
    }

    /// A vertical bar from `from` to `to` around `x`, half as wide as `halfWidth` says.
    package mutating func bar(
        x: Double, halfWidth: Double, from: Double, to: Double, value: Double, colour: String, note: String
    ) {
        marks.append(
            .bar(x: x, halfWidth: halfWidth, from: from, to: to, value: value, colour: colour, note: note))
    }

    /// An area over the whole height, for a warm-up or a pause.
    ///
    /// - Parameter isFault: Something was broken on purpose.
    mutating func band(from: Double, to: Double, note: String, isFault: Bool = false) {
        marks.insert(.band(from: from, to: to, note: note, isFault: isFault), at: 0)
    }

    /// A horizontal line that says what it means.
    package mutating func limit(_ value: Double, _ label: String) { marks.append(.limit(value, label)) }

    private enum Mark: Sendable {
        case line(
            String, [(x: Double, y: Double)], [Double], note: String, isDashed: Bool, hasMarkers: Bool)
        case dot(String, Double, Double, value: Double, note: String, size: Double)
        case bar(
            x: Double, halfWidth: Double, from: Double, to: Double, value: Double, colour: String,
            note: String)
        case band(from: Double, to: Double, note: String, isFault: Bool)
        case limit(Double, String)
    }
}

extension Plot {
    package var svg: String { drawn(Canvas(self)) }

    package var narrow: String { drawn(Canvas(self, isNarrow: true)) }

    package func svg(below y: Double) -> String {
        drawn(
            Canvas(self),
            placed:
                " y=\"\(Self.short(y))\" width=\"\(Self.short(Self.width))\" height=\"\(Self.short(height))\""
        )
    }

    /// From values to places of one drawing.
    private struct Canvas {
        let plot: Plot
        let width: Double
        let height: Double
        let left: Double
        let right: Double
        let top = 14.0
        /// Names that would run into each other stand in two rows, in a narrow place aslant.
        let names: Names

        enum Names { case level, twoRows, aslant }

        init(_ plot: Plot, isNarrow: Bool = false) {
            self.plot = plot
            width = isNarrow ? Plot.narrowWidth : Plot.width
            (left, right) = isNarrow ? (52, 14) : (64, 30)
            let count = plot.xLabels?.count ?? 0
            names = isNarrow && count > 2 ? .aslant : count > 7 ? .twoRows : .level
            height = plot.height + (names == .aslant ? 30 : 0)
        }

        var bottom: Double {
            switch names {
            case .level: 46
            case .twoRows: 60
            case .aslant: 100
            }
        }

        func px(_ value: Double) -> Double {
            left + min(max(plot.x.place(value), 0), 1) * (width - left - right)
        }

        func py(_ value: Double) -> Double {
            height - bottom - min(max(plot.y.place(value), 0), 1) * (height - top - bottom)
        }
    }

    private func drawn(_ canvas: Canvas, placed place: String = "") -> String {
        let head =
            "<svg\(place) viewBox=\"0 0 \(Self.short(canvas.width)) \(Self.short(canvas.height))\" role=\"img\" "
            + "aria-label=\"\(HTML.escaped(title))\">"
        let parts = [head] + rows(canvas) + columns(canvas) + [axes(canvas)] + marks.map { draw($0, canvas) }
        return parts.joined(separator: "\n") + "\n</svg>"
    }

    /// Lines at the ticks of y.
    private func rows(_ canvas: Canvas) -> [String] {
        y.ticks.map { tick in
            let place = Self.short(canvas.py(tick.value))
            return "<line class=\"grid\" x1=\"\(Self.short(canvas.left))\" "
                + "x2=\"\(Self.short(canvas.width - canvas.right))\" y1=\"\(place)\" y2=\"\(place)\"/>"
                + "<text x=\"\(Self.short(canvas.left - 8))\" y=\"\(Self.short(canvas.py(tick.value) + 4))\" "
                + "text-anchor=\"end\">\(tick.label)</text>"
        }
    }

    private func columns(_ canvas: Canvas) -> [String] {
        let floor = canvas.height - canvas.bottom
        return (xLabels ?? x.ticks).enumerated().map { index, tick in
            let place = Self.short(canvas.px(tick.value))
            let line =
                xLabels == nil
                ? "<line class=\"grid\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Self.short(canvas.top))\" "
                    + "y2=\"\(Self.short(floor))\"/>" : ""
            let label = HTML.escaped(tick.label)
            if canvas.names == .aslant {
                return line
                    + "<text transform=\"translate(\(place) \(Self.short(floor + 14))) rotate(-45)\" "
                    + "text-anchor=\"end\">\(label)</text>"
            }
            let row = canvas.names == .twoRows && index % 2 == 1 ? 30.0 : 16
            return line
                + "<text x=\"\(place)\" y=\"\(Self.short(floor + row))\" text-anchor=\"middle\">\(label)</text>"
        }
    }

    private func axes(_ canvas: Canvas) -> String {
        let (floor, end) = (Self.short(canvas.height - canvas.bottom), canvas.width - canvas.right)
        return
            "<line class=\"axis\" x1=\"\(Self.short(canvas.left))\" x2=\"\(Self.short(end))\" y1=\"\(floor)\" y2=\"\(floor)\"/>"
            + "<text class=\"name\" x=\"\(Self.short((canvas.left + end) / 2))\" "
            + "y=\"\(Self.short(canvas.height - 8))\" text-anchor=\"middle\">\(HTML.escaped(xTitle))</text>"
            + "<text class=\"name\" transform=\"translate(14 "
            + "\(Self.short((canvas.top + canvas.height - canvas.bottom) / 2))) rotate(-90)\" "
            + "text-anchor=\"middle\">\(HTML.escaped(yTitle))</text>"
    }

    private static func data(_ values: [Double]) -> String {
        "data-values=\"\(values.map { "\($0)" }.joined(separator: " "))\""
    }

    private func draw(_ mark: Mark, _ canvas: Canvas) -> String {
        switch mark {
        case .line(let strategy, let points, let values, let note, let isDashed, let hasMarkers):
            let places = points.map { (canvas.px($0.x), canvas.py($0.y)) }
            let path = places.map { "\(Self.short($0.0)),\(Self.short($0.1))" }.joined(separator: " ")
            return
                "<g color=\"\(palette.colour(strategy))\" \(Self.data(values))><title>\(HTML.escaped(note))</title>"
                + "<polyline\(isDashed ? " class=\"dashed\"" : "") points=\"\(path)\"/>"
                + (hasMarkers && !isDashed
                    ? places.map { palette.marker(strategy, $0.0, $0.1, size: 3) }.joined() : "")
                + "</g>"
        case .dot(let strategy, let x, let y, let value, let note, let size):
            return
                "<g color=\"\(palette.colour(strategy))\" \(Self.data([value]))><title>\(HTML.escaped(note))</title>"
                + palette.marker(strategy, canvas.px(x), canvas.py(y), size: size) + "</g>"
        case .bar(let x, let halfWidth, let from, let to, let value, let colour, let note):
            let (low, high) = (canvas.px(x - halfWidth), canvas.px(x + halfWidth))
            return
                "<g \(Self.data([value]))><title>\(HTML.escaped(note))</title><rect x=\"\(Self.short(low))\" "
                + "y=\"\(Self.short(canvas.py(to)))\" width=\"\(Self.short(high - low))\" "
                + "height=\"\(Self.short(max(canvas.py(from) - canvas.py(to), 0)))\" fill=\"\(colour)\"/></g>"
        case .band(let from, let to, let note, let isFault):
            let width = max(canvas.px(to) - canvas.px(from), 1)
            return
                "<rect class=\"band\(isFault ? " fault" : "")\" x=\"\(Self.short(canvas.px(from)))\" y=\"\(Self.short(canvas.top))\" "
                + "width=\"\(Self.short(width))\" height=\"\(Self.short(canvas.height - canvas.top - canvas.bottom))\">"
                + "<title>\(HTML.escaped(note))</title></rect>"
        case .limit(let value, let label):
            let (place, end) = (canvas.py(value), Self.short(canvas.width - canvas.right))
            return "<line class=\"limit\" x1=\"\(Self.short(canvas.left))\" x2=\"\(end)\" "
                + "y1=\"\(Self.short(place))\" y2=\"\(Self.short(place))\"/><text class=\"note\" x=\"\(end)\" "
                + "y=\"\(Self.short(place - 4))\" text-anchor=\"end\">\(HTML.escaped(label))</text>"
        }
    }
}
