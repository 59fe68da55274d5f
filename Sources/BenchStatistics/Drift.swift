import Foundation

/// Whether the second half of a window went like the first one.
package struct Drift: Sendable, Equatable {
    package static let mostRatio = 1.4
    package static let mostStatistic = 5.0

    /// Mean of the second half to that of the first.
    package let ratio: Double
    /// Welch's t of the difference.
    package let statistic: Double

    /// - Parameter values: What each step of the window brought, in order.
    /// - Returns: nil below ten steps or when nothing happened.
    package init?(_ values: [Double]) {
        guard values.count >= 10 else { return nil }
        let first = Self.moments(Array(values.prefix(values.count / 2)))
        let second = Self.moments(Array(values.suffix(values.count / 2)))
        guard first.mean + second.mean > 0 else { return nil }
        ratio = first.mean > 0 ? second.mean / first.mean : .greatestFiniteMagnitude
        let error = (first.variance + second.variance).squareRoot()
        let difference = second.mean - first.mean
        statistic = difference == 0 ? 0 : error > 0 ? difference / error : difference > 0 ? 1e9 : -1e9
    }

    /// Fails only what is both large and beyond chance. What is smaller is told in the report.
    package var isSmall: Bool {
        abs(statistic) <= Self.mostStatistic || (1 / Self.mostRatio...Self.mostRatio).contains(ratio)
    }

    /// How far it went towards its limit, as ``Bound/strain(_:)``: both parts have to go that far.
    package var strain: Double {
        let size = ratio > 0 ? abs(log(ratio)) / log(Self.mostRatio) : .greatestFiniteMagnitude
        return min(size, abs(statistic) / Self.mostStatistic, 1e9)
    }

    /// Mean, and variance of the mean.
    private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, sum / (count - 1) / count)
    }
}
