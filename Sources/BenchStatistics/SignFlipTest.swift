/// Whether paired trials differ by more than the choice of which one is called new explains: all choices of
/// signs for the differences of the rounds are looked at (Fisher's randomisation test, two-sided, on the
/// mean). It assumes nothing about how trials are distributed, only that both are alike when nothing differs.
package enum SignFlipTest {
    /// 2^20 choices take some milliseconds.
    static let mostRounds = 20

    /// - Returns: The share of choices whose mean is at least so far from 0; nil above ``mostRounds``.
    static func pValue(_ differences: [Double]) -> Double? {
        guard !differences.isEmpty, differences.count <= mostRounds else { return nil }
        let observed = abs(differences.reduce(0, +))
        // Equal sums must not differ by rounding.
        let limit = observed - 1e-9 * max(differences.reduce(0) { $0 + abs($1) }, .leastNormalMagnitude)
        var sum = differences.reduce(0, +)
        var isFlipped = [Bool](repeating: false, count: differences.count)
        var extreme = 0
        let choices = 1 << differences.count
        // One sign changes from each choice to the next (Gray's code).
        for choice in 1...choices {
            if abs(sum) >= limit { extreme += 1 }
            guard choice < choices else { break }
            let place = choice.trailingZeroBitCount
            sum += (isFlipped[place] ? 2 : -2) * differences[place]
            isFlipped[place].toggle()
        }
        return Double(extreme) / Double(choices)
    }

    /// The smallest p that so many rounds can ever give.
    static func smallestP(rounds: Int) -> Double {
        rounds > 0 ? 1 / Double(1 << min(rounds - 1, 60)) : 1
    }
}
