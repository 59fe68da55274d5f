import BenchModel
import BenchResults
import FaultAudit

/// The drawing.
extension HoldTimeline {
    static let row = 36.0
    static let top = 38.0
    static let bottom = 44.0

    package var height: Double {
        Self.top + Self.bottom + Self.row * Double(lanes.reduce(0) { $0 + $1.rows.count })
    }

    package var svg: String { drawn(Canvas(self, width: Plot.width, isNarrow: false), name: "wide") }
    package var narrow: String {
        drawn(Canvas(self, width: Plot.narrowWidth, isNarrow: true), name: "narrow")
    }

    package func svg(below y: Double) -> String {
        svg.replacing(
            "<svg ",
            with:
                "<svg y=\"\(Plot.short(y))\" width=\"\(Plot.short(Plot.width))\" height=\"\(Plot.short(height))\" ",
            maxReplacements: 1)
    }

    /// From milliseconds to places.
    struct Canvas {
        let width: Double
        let isNarrow: Bool
        let left: Double
        let right: Double
        let scale: Scale
        let floor: Double

        init(_ timeline: HoldTimeline, width: Double, isNarrow: Bool) {
            (self.width, self.isNarrow) = (width, isNarrow)
            left = isNarrow ? (timeline.hasProcesses ? 52 : 30) : (timeline.hasProcesses ? 138 : 70)
            right = width - 12
            scale = .linear(from: timeline.from, to: timeline.to)
            floor = timeline.height - HoldTimeline.bottom
        }

        func px(_ value: Double) -> Double { left + min(max(scale.place(value), 0), 1) * (right - left) }
    }

    private func drawn(_ canvas: Canvas, name: String) -> String {
        let hatch = "hatch-\(HTML.anchor(title))-\(name)"
        var parts = [
            "<svg viewBox=\"0 0 \(Plot.short(canvas.width)) \(Plot.short(height))\" role=\"img\" "
                + "aria-label=\"\(HTML.escaped(title))\">",
            "<title>\(HTML.escaped(title))</title><desc>\(HTML.escaped(description))</desc>",
            "<defs>\(Self.hatching(hatch))</defs>", shade(canvas), inside(canvas), axis(canvas),
        ]
        var y = Self.top
        for lane in lanes {
            parts.append(laneName(lane, y, canvas))
            for row in lane.rows {
                parts.append(labels(row, y, canvas))
                parts += row.map { bar($0, y, canvas, hatch) }
                y += Self.row
            }
            parts.append(
                "<line class=\"lane\" x1=\"0\" x2=\"\(Plot.short(canvas.width))\" y1=\"\(Plot.short(y))\" "
                    + "y2=\"\(Plot.short(y))\"/>")
        }
        return parts.joined(separator: "\n") + "\n</svg>"
    }

    private static func hatching(_ name: String) -> String {
        "<pattern id=\"\(name)\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
            + "patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" fill=\"var(--panel)\"/>"
            + "<rect width=\"2.4\" height=\"5\" fill=\"var(--warn)\"/></pattern>"
    }

    private func shade(_ canvas: Canvas) -> String {
        guard let fault, fault.upperBound >= from, fault.lowerBound <= to else { return "" }
        let (start, end) = (canvas.px(fault.lowerBound), canvas.px(fault.upperBound))
        let middle = min(max((start + end) / 2, canvas.left + 16), canvas.right - 16)
        return "<rect class=\"band\" x=\"\(Plot.short(start))\" y=\"\(Plot.short(Self.top))\" "
            + "width=\"\(Plot.short(max(end - start, 1)))\" height=\"\(Plot.short(canvas.floor - Self.top))\">"
            + "<title>the fault, from \(Text.number(fault.lowerBound)) to \(Text.number(fault.upperBound)) ms"
            + "</title></rect><text class=\"note\" x=\"\(Plot.short(middle))\" y=\"14\" "
            + "text-anchor=\"middle\">fault</text>"
    }

    /// The time in which two holders were inside.
    private func inside(_ canvas: Canvas) -> String {
        guard let both, both.upperBound >= from, both.lowerBound <= to else { return "" }
        let (start, end) = (canvas.px(both.lowerBound), canvas.px(both.upperBound))
        let middle = min(max((start + end) / 2, canvas.left + 28), canvas.right - 28)
        return "<rect x=\"\(Plot.short(start))\" y=\"\(Plot.short(Self.top - 4))\" fill=\"none\" "
            + "stroke=\"var(--bad)\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\" "
            + "width=\"\(Plot.short(max(end - start, 2)))\" height=\"\(Plot.short(canvas.floor - Self.top + 4))\">"
            + "<title>two inside, from \(Text.number(both.lowerBound)) to \(Text.number(both.upperBound)) ms"
            + "</title></rect><text class=\"note bad\" x=\"\(Plot.short(middle))\" "
            + "y=\"\(Plot.short(Self.top - 8))\" text-anchor=\"middle\">two inside</text>"
    }

    private func axis(_ canvas: Canvas) -> String {
        let all = canvas.scale.ticks.enumerated()
        // The last one would run out of the picture.
        let shown = all.filter {
            (!canvas.isNarrow || $0.offset % 2 == 0) && canvas.px($0.element.value) < canvas.right - 10
        }
        let lines = shown.map { _, tick in
            let x = Plot.short(canvas.px(tick.value))
            return "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(Plot.short(Self.top))\" "
                + "y2=\"\(Plot.short(canvas.floor))\"/><text x=\"\(x)\" y=\"\(Plot.short(canvas.floor + 16))\" "
                + "text-anchor=\"middle\">\(tick.label)</text>"
        }
        return lines.joined(separator: "\n")
            + "<text class=\"name\" x=\"\(Plot.short((canvas.left + canvas.right) / 2))\" "
            + "y=\"\(Plot.short(height - 8))\" text-anchor=\"middle\">ms since \(since)</text>"
    }

    private func laneName(_ lane: Lane, _ y: Double, _ canvas: Canvas) -> String {
        let words =
            canvas.isNarrow
            ? (hasProcesses ? "p\(lane.process) " : "") + "b\(lane.buyer)"
            : (hasProcesses ? "process \(lane.process), " : "") + "buyer \(lane.buyer)"
        return "<text class=\"name\" x=\"\(Plot.short(canvas.left - 8))\" y=\"\(Plot.short(y + 24))\" "
            + "text-anchor=\"end\">\(words)</text>"
    }
}

/// The calls.
extension HoldTimeline {
    /// Across a row: the lock thick behind, the call before it.
    private func bar(
        _ operation: FaultCell.Operation, _ y: Double, _ canvas: Canvas, _ hatch: String
    ) -> String {
        let outline = operation.isProof ? " style=\"stroke: var(--ink); stroke-width: 2\"" : ""
        let call = Self.rectangle(
            operation.invokedMs, operation.answeredMs, y + 20, height: 6, canvas,
            operation.outcome.paint(hatch: hatch) + outline)
        let open = operation.answeredMs == nil ? Self.openEnd(at: canvas.right, y + 23, "var(--warn)") : ""
        return "<g data-values=\"\(operation.id)\"\(operation.isProof ? " class=\"proof\"" : "")>"
            + "<title>\(HTML.escaped(Self.note(operation)))</title>" + hold(operation, y, canvas) + call
            + open
            + "</g>"
    }

    private func hold(_ operation: FaultCell.Operation, _ y: Double, _ canvas: Canvas) -> String {
        guard let from = operation.holdFromMs else { return "" }
        return Self.rectangle(
            from, operation.holdUntilMs, y + 14, height: 18, canvas, "fill=\"var(--link)\" opacity=\"0.75\"")
            + (operation.holdUntilMs == nil ? Self.openEnd(at: canvas.right, y + 23, "var(--link)") : "")
    }

    /// As much of a time as is in range; nil as its end is the right edge.
    private static func rectangle(
        _ from: Double, _ to: Double?, _ y: Double, height: Double, _ canvas: Canvas, _ paint: String
    ) -> String {
        guard canvas.scale.place(from) < 1, to.map({ canvas.scale.place($0) > 0 }) ?? true else { return "" }
        let (start, end) = (canvas.px(from), to.map(canvas.px) ?? canvas.right)
        return "<rect x=\"\(Plot.short(start))\" y=\"\(Plot.short(y))\" "
            + "width=\"\(Plot.short(max(end - start, 2)))\" height=\"\(Plot.short(height))\" \(paint)/>"
    }

    /// An arrow at the right edge: nobody saw the end.
    private static func openEnd(at x: Double, _ y: Double, _ colour: String) -> String {
        "<path d=\"M\(Plot.short(x)) \(Plot.short(y - 8))L\(Plot.short(x + 9)) \(Plot.short(y))"
            + "L\(Plot.short(x)) \(Plot.short(y + 8))Z\" fill=\"\(colour)\"/>"
    }

    /// Above the bars, as far as there is room; those of the proof have their place first.
    private func labels(_ row: [FaultCell.Operation], _ y: Double, _ canvas: Canvas) -> String {
        var taken: [ClosedRange<Double>] = []
        let ordered = row.filter(\.isProof) + row.filter { !$0.isProof }
        return ordered.compactMap { operation -> String? in
            let words = Self.label(operation, isShort: canvas.isNarrow)
            let width = Double(words.count) * (operation.isProof ? 6.8 : 6.2)
            var start = min(canvas.px(operation.invokedMs), canvas.right - width)
            if operation.isProof, let last = taken.last, last.overlaps(start...start + width) {
                start = last.upperBound + 6
            }
            let place = start...start + width
            guard place.upperBound <= canvas.width, place.lowerBound >= canvas.left - 8,
                !taken.contains(where: { $0.overlaps(place) })
            else { return nil }
            taken.append(place)
            return "<text class=\"note\(operation.isProof ? " strong" : "")\" x=\"\(Plot.short(start))\" "
                + "y=\"\(Plot.short(y + 12))\">\(HTML.escaped(words))</text>"
        }.joined()
    }
}

/// The picture of a try.
extension HoldTimeline {
    /// The whole, and the proof alone where it would be small.
    static func figures(_ shown: CallScene) -> [Figure] {
        guard let whole = HoldTimeline(shown, title: "What buyers did") else { return [] }
        let waiting =
            whole.leftOut == 0
            ? "" : " \(Text.count(whole.leftOut, "buyer")) who only waited: in the table below."
        let caption =
            "Each lane is a buyer, each bar a call from its beginning to its answer, an arrow: nobody saw its end."
            + "\(whole.fault == nil ? "" : " Grey: the fault.")\(waiting)"
        let near = proofSpan(shown).flatMap { HoldTimeline(shown, title: "The proof, near", span: $0) }
        return [Figure(title: whole.title, [whole], caption, keys: keys(shown))]
            + [near].compactMap(\.self).map {
                Figure(
                    title: $0.title, [$0], "The same calls, around those that prove it.", keys: keys(shown))
            }
    }

    /// Of what is drawn.
    private static func keys(_ shown: CallScene) -> [Figure.Key] {
        let used = Set(shown.operations.map(\.outcome))
        var keys = History.Operation.Outcome.allCases.filter(used.contains).map { outcome in
            let hatch = "hatch-key-\(outcome.rawValue)"
            return Figure.Key(
                label: outcome.meaning, colour: "var(--soft)",
                sign: (outcome == .unknown ? "<defs>\(hatching(hatch))</defs>" : "")
                    + "<rect x=\"1\" y=\"3\" width=\"12\" height=\"8\" \(outcome.paint(hatch: hatch))/>")
        }
        if shown.operations.contains(where: { $0.holdFromMs != nil }) {
            keys.append(
                Figure.Key(
                    label: "thick: the lock was held", colour: "var(--link)",
                    sign: "<rect width=\"14\" height=\"14\" opacity=\"0.75\" fill=\"currentColor\"/>"))
        }
        if shown.operations.contains(where: \.isProof) {
            keys.append(
                Figure.Key(
                    label: "framed, bold: proves the violation", colour: "var(--ink)",
                    sign: "<rect x=\"1\" y=\"3\" width=\"12\" height=\"8\" fill=\"none\" "
                        + "stroke=\"currentColor\" stroke-width=\"2\"/>"))
        }
        return keys
    }
}
