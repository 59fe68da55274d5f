import BenchModel
import Foundation

/// From a value to a place on an axis, 0 to 1.
package enum Scale: Sendable, Equatable {
    case linear(from: Double, to: Double)
    case logarithmic(from: Double, to: Double)
    /// Shares by their distance from 1, so that 0.9, 0.99 and 0.999 are equally far apart.
    case nines(most: Double)

    package func place(_ value: Double) -> Double {
        switch self {
        case .linear(let from, let to): to > from ? (value - from) / (to - from) : 0
        case .logarithmic(let from, let to): log(max(value, from) / from) / log(to / from)
        case .nines(let most): -log10(max(1 - value, pow(10, -most))) / most
        }
    }

    /// Where lines are drawn, with their words.
    var ticks: [(value: Double, label: String)] {
        switch self {
        case .linear(let from, let to):
            let step = Self.niceStep((to - from) / 5)
            var ticks: [(Double, String)] = []
            var value = (from / step).rounded(.up) * step
            while value <= to + step * 1e-6 {
                ticks.append((value, Text.number(value)))
                value += step
            }
            return ticks
        case .logarithmic(let from, let to):
            let first = Int(log10(from).rounded(.up))
            let last = Int((log10(to) + 1e-9).rounded(.down))
            return first > last
                ? [] : (first...last).map { (pow(10, Double($0)), Text.number(pow(10, Double($0)))) }
        case .nines(let most):
            let shares = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999].filter { -log10(1 - $0) <= most + 1e-9 }
            return shares.map { ($0, $0 == 0 ? "min" : "p" + Text.number($0 * 100, digits: 2).trimmingZeros) }
        }
    }

    /// Whole nines that show a share.
    static func nines(upTo share: Double) -> Scale {
        .nines(most: min(max((-log10(1 - share) - 1e-9).rounded(.up), 2), 4))
    }

    /// Round limits around some values that are not negative.
    static func linear(_ values: [Double]) -> Scale {
        let most = values.max() ?? 1
        let step = niceStep(max(most, 1e-9) / 5)
        return .linear(from: 0, to: max((most / step).rounded(.up) * step, step))
    }

    /// Whole powers of ten around some values.
    static func logarithmic(_ values: [Double]) -> Scale {
        let positive = values.filter { $0 > 0 }
        let low = pow(10, log10(positive.min() ?? 1).rounded(.down))
        let high = pow(10, log10(positive.max() ?? 10).rounded(.up))
        return .logarithmic(from: low, to: max(high, low * 10))
    }

    private static func niceStep(_ raw: Double) -> Double {
        guard raw > 0, raw.isFinite else { return 1 }
        let power = pow(10, log10(raw).rounded(.down))
        let lead = raw / power
        return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power
    }
}

extension String {
    /// `99.90` as `99.9`, `50.00` as `50`.
    var trimmingZeros: String {
        guard contains(".") else { return self }
        var text = self
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}

extension Scale {
    /// Where a value stands in a panel that reaches over these columns.
    /// One beyond the scale stands at its edge.
    func place(_ value: Double, over span: ClosedRange<Double>) -> Double {
        span.lowerBound + min(max(place(value), 0), 1) * (span.upperBound - span.lowerBound)
    }

    /// The lines of a panel's ticks, with their values below.
    func grid(over span: ClosedRange<Double>, from top: Double, to floor: Double) -> String {
        ticks.map { tick in
            let x = Plot.short(place(tick.value, over: span))
            return
                "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(Plot.short(top))\" y2=\"\(Plot.short(floor))\"/>"
                + "<text x=\"\(x)\" y=\"\(Plot.short(floor + 16))\" text-anchor=\"middle\">\(tick.label)</text>"
        }.joined(separator: "\n")
    }
}
