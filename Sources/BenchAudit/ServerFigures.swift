import Foundation

/// What a lab-server counts of itself, read from its page for Prometheus.
package struct ServerFigures: Sendable, Equatable {
    /// Purchases by how they ended, as the server names it.
    package private(set) var purchases: [String: Int] = [:]
    /// How late its event loops came to a timer: sum of the delays, and how many timers.
    private(set) var lagSeconds = 0.0
    private(set) var lagCount = 0.0
    /// `release` or `debug`; nil of a server that does not say.
    package private(set) var build: String?

    package init() {}

    /// - Returns: nil when the page has no purchases: it is none of lab-server's.
    package init?(parsing page: String) {
        for line in page.split(separator: "\n") where !line.hasPrefix("#") {
            guard let end = line.lastIndex(of: " "), let value = Double(line[line.index(after: end)...])
            else {
                continue
            }
            let series = line[..<end]
            if series.hasPrefix("lab_purchases_total{"), let outcome = Self.label("outcome", of: series) {
                purchases[outcome] = Int(value)
            } else if series.hasPrefix("lab_build_info{") {
                build = Self.label("build", of: series)
            } else if series == "lab_event_loop_lag_seconds_sum" {
                lagSeconds = value
            } else if series == "lab_event_loop_lag_seconds_count" {
                lagCount = value
            }
        }
        if purchases.isEmpty { return nil }
    }

    private static func label(_ name: String, of series: Substring) -> String? {
        guard
            let start = series.range(of: "{\(name)=\"")?.upperBound
                ?? series.range(of: ",\(name)=\"")?.upperBound
        else { return nil }
        return String(series[start...].prefix { $0 != "\"" })
    }

    /// Answered 200.
    package var sold: Int { purchases["purchased", default: 0] + purchases["repeated", default: 0] }

    /// Ended in any other way that is known.
    package var refused: Int {
        purchases.reduce(0) { $0 + (["purchased", "repeated", "error"].contains($1.key) ? 0 : $1.value) }
    }

    /// Mean lateness of the timers; nil without any.
    var meanLagMs: Double? { lagCount > 0 ? lagSeconds / lagCount * 1000 : nil }

    /// Of two servers together.
    package func adding(_ other: ServerFigures) -> ServerFigures {
        var sum = self
        for (outcome, count) in other.purchases { sum.purchases[outcome, default: 0] += count }
        sum.lagSeconds += other.lagSeconds
        sum.lagCount += other.lagCount
        return sum
    }

    package func since(_ earlier: ServerFigures) -> ServerFigures {
        var difference = self
        for (outcome, count) in earlier.purchases { difference.purchases[outcome, default: 0] -= count }
        difference.lagSeconds -= earlier.lagSeconds
        difference.lagCount -= earlier.lagCount
        return difference
    }
}
