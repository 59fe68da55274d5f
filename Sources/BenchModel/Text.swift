import Foundation

/// Numbers for people.
package enum Text {
    /// `0.5`, `10`, `1,234.5`: three significant digits below 100, whole from 100 on.
    package static func number(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        guard abs(value) < most else { return String(format: "%.3g", value) }
        if value == value.rounded() || abs(value) >= 100 { return grouped(Int(value.rounded())) }
        let digits = abs(value) >= 10 ? 1 : abs(value) >= 1 ? 2 : 3
        var text = String(format: "%.\(digits)f", value)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// From here on digits mean nothing, and no integer holds all of them.
    private static let most = 1e15

    /// A decimal number with so many digits after the point.
    package static func number(_ value: Double, digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// `1,234,567`
    package static func grouped(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// For a command line: no grouping, no needless zeros.
    package static func plain(_ value: Double) -> String {
        value == value.rounded() && abs(value) < most ? String(Int(value)) : String(value)
    }

    /// Microseconds as milliseconds.
    package static func milliseconds(_ microseconds: Double?) -> String {
        microseconds.map { number($0 / 1000) } ?? "-"
    }

    /// `1 trial`, `2 trials`
    package static func count(_ number: Int, _ thing: String, _ things: String? = nil) -> String {
        "\(grouped(number)) \(number == 1 ? thing : things ?? thing + "s")"
    }

    /// `once`, `twice`, `3 times`
    package static func times(_ count: Int) -> String {
        switch count {
        case 1: "once"
        case 2: "twice"
        default: "\(count) times"
        }
    }

    package static func percent(_ share: Double?) -> String {
        guard let share, share.isFinite else { return "-" }
        // Never rounded up to all.
        if share < 1 && share > 0.9999 { return "> 99.99 %" }
        return String(format: share == 1 ? "%.0f" : "%.2f", share * 100) + " %"
    }

    /// `12.34 %`; a small one as `1 in 1,250`.
    package static func chance(_ share: Double?) -> String {
        guard let share, share > 0, share < 0.01 else { return percent(share) }
        let cases = 1 / share
        return cases < 1e15 ? "1 in \(grouped(Int(cases.rounded(.up))))" : "1 in \(number(cases))"
    }

    /// `45 s`, `2 min 5 s`
    package static func time(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        if seconds < 60 || seconds >= most { return "\(number(seconds)) s" }
        let whole = Int(seconds.rounded())
        return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s"
    }

    /// Small bars, the highest one for the largest value.
    package static func sparkline(_ values: [Double]) -> String {
        let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        guard let most = values.max(), most > 0 else { return String(repeating: "▁", count: values.count) }
        return String(values.map { bars[Int((max($0, 0) / most * 7).rounded())] })
    }
}
