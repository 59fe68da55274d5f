/// How evenly the users were served.
package enum Fairness {
    /// Jain's index (Jain, Chiu, Hawe 1984): 1 when all have the same, 1/n when one has everything.
    ///
    /// - Returns: nil when nobody has anything.
    package static func jain(_ counts: [Int]) -> Double? {
        let sum = counts.reduce(0.0) { $0 + Double($1) }
        let squares = counts.reduce(0.0) { $0 + Double($1) * Double($1) }
        return squares > 0 ? sum * sum / (Double(counts.count) * squares) : nil
    }

    /// Jain's index that buyers would have who are served independently of each other, so often on average:
    /// even chance leaves some of them with less. (Counts of Poisson have the variance of their mean.)
    ///
    /// - Returns: nil when nobody has anything.
    package static func jainOfIndependent(mean: Double) -> Double? { mean > 0 ? mean / (mean + 1) : nil }
}

/// The middle of some measurements, and how far they reach.
package struct Spread: Sendable, Equatable, Codable {
    package let median: Double
    package let min: Double
    package let max: Double

    /// - Returns: nil for no values.
    package init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        min = first
        max = last
    }

    /// The middle of some values; NaN of none.
    package static func median(_ values: [Double]) -> Double { Spread(values)?.median ?? .nan }

    /// No value of one lies within the reach of the other.
    func isSeparated(from other: Spread) -> Bool { min > other.max || max < other.min }
}
