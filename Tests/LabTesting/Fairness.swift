/// How evenly buyers were served.
public struct Fairness: Sendable, Hashable {
    /// Successes of the buyer who had the fewest, and of the one who had the most.
    public let least: Int
    public let most: Int
    /// Jain's index, (Σx)² / (n · Σx²): 1 when all have the same, 1/n when one has everything. Source: Jain,
    /// Chiu, Hawe, "A Quantitative Measure of Fairness and Discrimination", DEC-TR-301, 1984.
    public let jainIndex: Double

    /// - Parameter successes: Of each buyer, also of those who had none. Nil when there is no buyer.
    public init?(successes: [Int]) {
        guard let least = successes.min(), let most = successes.max() else { return nil }
        self.least = least
        self.most = most
        let sum = Double(successes.reduce(0, +))
        let squares = successes.reduce(0.0) { $0 + Double($1) * Double($1) }
        // Nobody had anything: that is even.
        jainIndex = squares == 0 ? 1 : sum * sum / (Double(successes.count) * squares)
    }
}
