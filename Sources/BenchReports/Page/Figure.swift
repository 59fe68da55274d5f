/// Something that is drawn as SVG, for a wide place and for one half as wide.
package protocol Picture: Sendable {
    /// ``Plot/width`` wide.
    var svg: String { get }
    var narrow: String { get }
    /// Of ``svg``.
    var height: Double { get }

    /// ``svg`` inside another SVG, so far below its top.
    func svg(below y: Double) -> String
}

/// A picture of the report: plots below each other under one heading, with what tells the marks apart. It
/// stands in `report.html` and in a file of its own.
package struct Figure: Sendable {
    /// What a mark or a colour stands for.
    package struct Key: Sendable {
        let label: String
        let colour: String
        /// SVG in a square of 14.
        let sign: String

        package static func strategy(_ id: String, _ palette: Palette) -> Key {
            Key(label: id, colour: palette.colour(id), sign: palette.marker(id, 7, 7, size: 5))
        }

        static func area(_ label: String, _ colour: String) -> Key {
            Key(
                label: label, colour: colour,
                sign: "<rect width=\"14\" height=\"14\" fill=\"\(HTML.escaped(colour))\"/>")
        }
    }

    let title: String
    let caption: String
    let keys: [Key]
    package let plots: [any Picture]

    package init(_ plot: Plot, _ caption: String, keys: [Key] = []) {
        self.init(title: plot.title, [plot], caption, keys: keys)
    }

    package init(title: String, _ plots: [any Picture], _ caption: String, keys: [Key] = []) {
        (self.title, self.plots, self.caption, self.keys) = (title, plots, caption, keys)
    }

    package var html: String {
        let entries = keys.map { key in
            "<span><svg class=\"key\" viewBox=\"0 0 14 14\" color=\"\(key.colour)\">\(key.sign)</svg>"
                + "\(HTML.escaped(key.label))</span>"
        }
        let legend = entries.isEmpty ? "" : "<div class=\"legend\">\(entries.joined())</div>"
        return
            "<figure id=\"\(anchor)\" aria-label=\"\(HTML.escaped(title))\"><figcaption><strong>\(HTML.escaped(title))</strong> \(HTML.escaped(caption))</figcaption>\n"
            + legend + "\n<div class=\"broad\">\(plots.map(\.svg).joined(separator: "\n"))</div>\n"
            + "<div class=\"slim\">\(plots.map(\.narrow).joined(separator: "\n"))</div>\n</figure>"
    }
}

/// The file of its own.
extension Figure {
    /// Made of the title: `latency-by-percentile-closed-load`.
    var anchor: String { HTML.anchor(title) }

    package var fileName: String { "\(anchor).svg" }

    private static let legendTop = 44.0
    private static let row = 20.0
    private static let margin = 12.0

    /// A whole document that refers to nothing outside, light or dark as the reader has it.
    package var document: String {
        let legend = placedKeys
        let top = Self.legendTop + (legend.isEmpty ? 0 : ((legend.last?.y ?? 0) + Self.row))
        let height = top + plots.reduce(0) { $0 + $1.height }
        let width = Plot.short(Plot.width)
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(Plot.short(height))\" "
                + "width=\"\(width)\" height=\"\(Plot.short(height))\" font-family=\"system-ui, sans-serif\" "
                + "font-size=\"12\">",
            "<title>\(HTML.escaped(title))</title>", "<desc>\(HTML.escaped(caption))</desc>",
            "<style>\(PageStyle.colours)\n\(PageStyle.plot)</style>",
            "<rect width=\"100%\" height=\"100%\" fill=\"var(--panel)\"/>",
            "<text class=\"name\" x=\"\(Plot.short(Self.margin))\" y=\"24\" font-size=\"15\" "
                + "font-weight=\"600\">\(HTML.escaped(title))</text>",
        ]
        for (key, x, y) in legend {
            parts.append(
                "<g transform=\"translate(\(Plot.short(x)) \(Plot.short(Self.legendTop - 8 + y)))\"><g "
                    + "color=\"\(key.colour)\">\(key.sign)</g><text x=\"20\" y=\"11\">\(HTML.escaped(key.label))"
                    + "</text></g>")
        }
        var y = top
        for plot in plots {
            parts.append(plot.svg(below: y))
            y += plot.height
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    /// In rows, by a width of letters that holds for any usual font.
    private var placedKeys: [(key: Key, x: Double, y: Double)] {
        var (x, y) = (Self.margin, 0.0)
        return keys.map { key in
            let width = 36 + 7 * Double(key.label.count)
            if x > Self.margin && x + width > Plot.width {
                x = Self.margin
                y += Self.row
            }
            defer { x += width }
            return (key, x, y)
        }
    }
}
