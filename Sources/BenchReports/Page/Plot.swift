import Foundation

/// A small SVG picture with two axes. Marks carry the plotted values of the results in `data-values`, so that
/// a test can find every one of them there.
package struct Plot: Sendable {
    package static let width = 760.0

    private let palette: Palette
    let title: String
    let x: Scale
    let y: Scale
    let xTitle: String
    let yTitle: String
    var height = 340.0
    /// Instead of the ticks of the scale.
    var xLabels: [(value: Double, label: String)]?
    private var marks: [String] = []

    private let left = 64.0
    private let right = 30.0
    private let top = 14.0
    private var bottom: Double { hasTwoRows ? 60 : 46 }
    /// Names that would run into each other stand in two rows.
    private var hasTwoRows: Bool { xLabels.map { $0.count > 7 } ?? false }

    package init(
        _ palette: Palette, title: String, x: Scale, y: Scale, xTitle: String, yTitle: String,
        height: Double = 340, xLabels: [(value: Double, label: String)]? = nil
    ) {
        self.palette = palette
        (self.title, self.x, self.y) = (title, x, y)
        (self.xTitle, self.yTitle, self.height, self.xLabels) = (xTitle, yTitle, height, xLabels)
    }

    package static func short(_ value: Double) -> String { String(format: "%.1f", value).trimmingZeros }

    func px(_ value: Double) -> Double { left + min(max(x.place(value), 0), 1) * (Self.width - left - right) }

    func py(_ value: Double) -> Double {
        height - bottom - min(max(y.place(value), 0), 1) * (height - top - bottom)
    }

    private static func data(_ values: [Double]) -> String {
        "data-values=\"\(values.map { "\($0)" }.joined(separator: " "))\""
    }

    /// A line through points, in the strategy's colour.
    ///
    /// - Parameter values: Of the results, as they stand there; nil: the points' own y.
    package mutating func line(
        _ strategy: String, _ points: [(x: Double, y: Double)], values: [Double]? = nil,
        isDashed: Bool = false, dashedWord: String = "service", hasMarkers: Bool = true
    ) {
        guard !points.isEmpty else { return }
        let path = points.map { "\(Self.short(px($0.x))),\(Self.short(py($0.y)))" }.joined(separator: " ")
        let kind = isDashed ? " class=\"dashed\"" : ""
        marks.append(
            "<g color=\"\(palette.colour(strategy))\" \(Self.data(values ?? points.map(\.y)))>"
                + "<title>\(HTML.escaped(strategy))\(isDashed ? " (\(dashedWord))" : "")</title>"
                + "<polyline\(kind) points=\"\(path)\"/>"
                + (hasMarkers && !isDashed
                    ? points.map { palette.marker(strategy, px($0.x), py($0.y), size: 3) }.joined() : "")
                + "</g>")
    }

    mutating func dot(
        _ strategy: String, _ x: Double, _ y: Double, value: Double, note: String, size: Double = 4.5
    ) {
        marks.append(
            "<g color=\"\(palette.colour(strategy))\" \(Self.data([value]))><title>\(HTML.escaped(note))</title>"
                + palette.marker(strategy, px(x), py(y), size: size) + "</g>")
    }

    /// A vertical bar from `from` to `to` around `x`, half as wide as `halfWidth` says.
    package mutating func bar(
        x: Double, halfWidth: Double, from: Double, to: Double, value: Double, colour: String, note: String
    ) {
        let (low, high) = (px(x - halfWidth), px(x + halfWidth))
        marks.append(
            "<g \(Self.data([value]))><title>\(HTML.escaped(note))</title><rect x=\"\(Self.short(low))\" "
                + "y=\"\(Self.short(py(to)))\" width=\"\(Self.short(high - low))\" "
                + "height=\"\(Self.short(max(py(from) - py(to), 0)))\" fill=\"\(colour)\"/></g>")
    }

    /// An area over the whole height, for a warm-up or a pause.
    mutating func band(from: Double, to: Double, note: String) {
        marks.insert(
            "<rect class=\"band\" x=\"\(Self.short(px(from)))\" y=\"\(Self.short(top))\" "
                + "width=\"\(Self.short(max(px(to) - px(from), 1)))\" height=\"\(Self.short(height - top - bottom))\">"
                + "<title>\(HTML.escaped(note))</title></rect>", at: 0)
    }

    /// A horizontal line that says what it means.
    package mutating func limit(_ value: Double, _ label: String) {
        let place = Self.short(py(value))
        marks.append(
            "<line class=\"limit\" x1=\"\(Self.short(left))\" x2=\"\(Self.short(Self.width - right))\" "
                + "y1=\"\(place)\" y2=\"\(place)\"/><text class=\"note\" x=\"\(Self.short(Self.width - right))\" "
                + "y=\"\(Self.short(py(value) - 4))\" text-anchor=\"end\">\(HTML.escaped(label))</text>")
    }

    var svg: String { svg(placed: "") }

    /// Inside another SVG, so far below its top.
    func svg(below y: Double) -> String {
        let size = "width=\"\(Self.short(Self.width))\" height=\"\(Self.short(height))\""
        return svg(placed: " y=\"\(Self.short(y))\" \(size)")
    }

    private func svg(placed place: String) -> String {
        var parts = [
            "<svg\(place) viewBox=\"0 0 \(Self.short(Self.width)) \(Self.short(height))\" role=\"img\" "
                + "aria-label=\"\(HTML.escaped(title))\">"
        ]
        let floor = Self.short(height - bottom)
        for tick in y.ticks {
            let place = Self.short(py(tick.value))
            parts.append(
                "<line class=\"grid\" x1=\"\(Self.short(left))\" x2=\"\(Self.short(Self.width - right))\" "
                    + "y1=\"\(place)\" y2=\"\(place)\"/><text x=\"\(Self.short(left - 8))\" "
                    + "y=\"\(Self.short(py(tick.value) + 4))\" text-anchor=\"end\">\(tick.label)</text>")
        }
        for (index, tick) in (xLabels ?? x.ticks).enumerated() {
            let place = Self.short(px(tick.value))
            if xLabels == nil {
                parts.append(
                    "<line class=\"grid\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Self.short(top))\" y2=\"\(floor)\"/>"
                )
            }
            parts.append(
                "<text x=\"\(place)\" y=\"\(Self.short(height - bottom + (hasTwoRows && index % 2 == 1 ? 30 : 16)))\" text-anchor=\"middle\">"
                    + "\(HTML.escaped(tick.label))</text>")
        }
        parts.append(
            "<line class=\"axis\" x1=\"\(Self.short(left))\" x2=\"\(Self.short(Self.width - right))\" y1=\"\(floor)\" y2=\"\(floor)\"/>"
                + "<text class=\"name\" x=\"\(Self.short((left + Self.width - right) / 2))\" "
                + "y=\"\(Self.short(height - 8))\" text-anchor=\"middle\">\(HTML.escaped(xTitle))</text>"
                + "<text class=\"name\" transform=\"translate(14 \(Self.short((top + height - bottom) / 2))) rotate(-90)\" "
                + "text-anchor=\"middle\">\(HTML.escaped(yTitle))</text>")
        return (parts + marks).joined(separator: "\n") + "\n</svg>"
    }
}
