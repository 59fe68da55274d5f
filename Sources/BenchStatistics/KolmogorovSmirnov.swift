import Foundation

/// Whether moments are distributed as they should be.
package enum KolmogorovSmirnov {
    /// √n·D above which one in a thousand fair samples lies (asymptotic).
    package static let limit = 1.95

    /// √n times the largest distance between the empirical distribution and the asked one.
    ///
    /// - Parameter distribution: The asked cumulative distribution.
    /// - Returns: nil below ten values, which can prove nothing.
    package static func statistic(_ values: [Double], _ distribution: (Double) -> Double) -> Double? {
        guard values.count >= 10 else { return nil }
        let count = Double(values.count)
        var distance = 0.0
        for (index, value) in values.sorted().enumerated() {
            let expected = distribution(value)
            distance = max(distance, Double(index + 1) / count - expected, expected - Double(index) / count)
        }
        return distance * count.squareRoot()
    }

    /// The largest distance between the empirical distributions of two samples: a share of the values, not a
    /// probability.
    ///
    /// - Returns: nil when one has fewer than ten values.
    package static func distance(between one: [Double], _ other: [Double]) -> Double? {
        guard one.count >= 10, other.count >= 10 else { return nil }
        let (one, other) = (one.sorted(), other.sorted())
        var (i, j, distance) = (0, 0, 0.0)
        while i < one.count, j < other.count {
            let value = min(one[i], other[j])
            while i < one.count, one[i] <= value { i += 1 }
            while j < other.count, other[j] <= value { j += 1 }
            distance = max(
                distance, abs(Double(i) / Double(one.count) - Double(j) / Double(other.count)))
        }
        return distance
    }

    /// The statistic of gaps against those of a Poisson process of this rate.
    package static func exponential(_ gaps: [Double], rate: Double) -> Double? {
        statistic(gaps) { 1 - exp(-rate * $0) }
    }

    /// The statistic of moments that should be spread evenly from `from` to `until`.
    package static func uniform(_ moments: [Double], from: Double, until: Double) -> Double? {
        statistic(moments) { min(max(($0 - from) / (until - from), 0), 1) }
    }
}
