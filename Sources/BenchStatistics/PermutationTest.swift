/// Whether two groups of trials differ by more than the division into groups explains: all divisions are
/// looked at (Fisher's permutation test, two-sided, on Welch's t as Janssen 1997 has it). It assumes nothing
/// about how trials are distributed.
package enum PermutationTest {
    /// All of them are looked at, or none: eight trials against eight have fewer.
    static let mostDivisions = 20_000

    /// - Returns: The share of divisions that differ at least as much as this one; nil for groups of fewer
    ///   than two trials, and where there are more than ``mostDivisions``.
    static func pValue(_ first: [Double], _ second: [Double]) -> Double? {
        guard first.count > 1, second.count > 1,
            divisions(first.count, second.count) <= Double(mostDivisions)
        else { return nil }
        let all = first + second
        // Around the mean, so that sums of squares stay small.
        let middle = all.reduce(0, +) / Double(all.count)
        let pool = Pool(all.map { $0 - middle })
        let observed = pool.distance(first.indices.map { $0 })
        // Equal statistics must not differ by rounding.
        let limit = observed.isFinite ? observed * (1 - 1e-9) : observed
        var extreme = 0
        var count = 0
        forEachChoice(of: first.count, outOf: all.count) { chosen in
            count += 1
            if pool.distance(chosen) >= limit { extreme += 1 }
        }
        return Double(extreme) / Double(count)
    }

    /// The smallest p that two groups of these sizes can ever give. Equal groups can be exchanged, so two
    /// divisions differ as much as the one that was seen.
    static func smallestP(_ first: Int, _ second: Int) -> Double {
        guard first > 0, second > 0 else { return 1 }
        return min((first == second ? 2 : 1) / divisions(first, second), 1)
    }

    /// All values, to be divided into two groups.
    private struct Pool {
        let values: [Double]
        let sum: Double
        let squares: Double

        init(_ values: [Double]) {
            self.values = values
            sum = values.reduce(0, +)
            squares = values.reduce(0) { $0 + $1 * $1 }
        }

        /// How far Welch's t of the chosen group and the rest is from 0.
        func distance(_ chosen: [Int]) -> Double {
            var (part, partSquares) = (0.0, 0.0)
            for index in chosen {
                part += values[index]
                partSquares += values[index] * values[index]
            }
            let (count, rest) = (Double(chosen.count), Double(values.count - chosen.count))
            let difference = abs(part / count - (sum - part) / rest)
            func varianceOfMean(_ sum: Double, _ squares: Double, _ count: Double) -> Double {
                max(squares - sum * sum / count, 0) / (count - 1) / count
            }
            let variance =
                varianceOfMean(part, partSquares, count)
                + varianceOfMean(sum - part, squares - partSquares, rest)
            // What is left of equal values is rounding.
            let scale = max(squares / Double(values.count), .leastNormalMagnitude)
            if difference * difference <= 1e-18 * scale { return 0 }
            return variance < 1e-18 * scale ? .infinity : difference / variance.squareRoot()
        }
    }

    private static func divisions(_ first: Int, _ second: Int) -> Double {
        var count = 1.0
        for step in 0..<min(first, second) {
            count = count * Double(first + second - step) / Double(step + 1)
        }
        return count.rounded()
    }

    private static func forEachChoice(of size: Int, outOf count: Int, _ look: ([Int]) -> Void) {
        var chosen = Array(0..<size)
        while true {
            look(chosen)
            guard let place = chosen.indices.last(where: { chosen[$0] < count - size + $0 }) else { return }
            chosen[place] += 1
            for later in (place + 1)..<max(size, place + 1) { chosen[later] = chosen[later - 1] + 1 }
        }
    }
}
