import BenchModel
import Foundation

/// Whether two groups of trials differ by more than the division into groups explains (Fisher's permutation
/// test, two-sided, on the difference of the means). It assumes nothing about how trials are distributed.
package enum PermutationTest {
    /// Above so many divisions a seeded choice of them is looked at.
    static let mostExact = 20_000

    /// - Returns: The share of divisions that differ at least as much as this one; 1 for an empty group.
    package static func pValue(_ first: [Double], _ second: [Double], seed: UInt64 = 1) -> Double {
        guard !first.isEmpty, !second.isEmpty else { return 1 }
        let all = first + second
        let observed = difference(all, first.indices.map { $0 })
        // Equal sums must not differ by rounding.
        let limit = observed - 1e-9 * max(1, abs(observed))
        guard divisions(first.count, second.count) <= Double(mostExact) else {
            return sampled(all, first.count, limit, seed)
        }
        var extreme = 0
        var count = 0
        forEachChoice(of: first.count, outOf: all.count) { chosen in
            count += 1
            if difference(all, chosen) >= limit { extreme += 1 }
        }
        return Double(extreme) / Double(count)
    }

    /// The smallest p that groups of `rounds` trials each can ever give.
    static func smallestP(rounds: Int) -> Double { smallestP(rounds, rounds) }

    /// The smallest p that two groups of these sizes can ever give. Equal groups can be exchanged, so two
    /// divisions differ as much as the one that was seen.
    static func smallestP(_ first: Int, _ second: Int) -> Double {
        guard first > 0, second > 0 else { return 1 }
        return min((first == second ? 2 : 1) / divisions(first, second), 1)
    }

    /// The rounds from which on a difference can be told at all.
    ///
    /// - Parameter comparisons: Judged together under Holm's correction.
    package static func roundsNeeded(comparisons: Int, alpha: Double) -> Int {
        (2...1_000).first { smallestP(rounds: $0) <= alpha / Double(max(comparisons, 1)) } ?? 1_000
    }

    private static func divisions(_ first: Int, _ second: Int) -> Double {
        var count = 1.0
        for step in 0..<min(first, second) {
            count = count * Double(first + second - step) / Double(step + 1)
        }
        return count.rounded()
    }

    private static func difference(_ all: [Double], _ chosen: [Int]) -> Double {
        let sum = all.reduce(0, +)
        let part = chosen.reduce(0) { $0 + all[$1] }
        return abs(part / Double(chosen.count) - (sum - part) / Double(all.count - chosen.count))
    }

    private static func sampled(_ all: [Double], _ size: Int, _ limit: Double, _ seed: UInt64) -> Double {
        var generator = SplitMix64(seed: seed)
        var places = Array(all.indices)
        var extreme = 0
        for _ in 0..<mostExact {
            places.shuffle(using: &generator)
            if difference(all, Array(places.prefix(size))) >= limit { extreme += 1 }
        }
        // The observed division is one of them: p is never 0.
        return Double(extreme + 1) / Double(mostExact + 1)
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

/// Several tests judged together.
package enum Holm {
    /// Adjusted p-values (Holm 1979): the chance that any of them is a false alarm stays below alpha.
    static func adjusted(_ pValues: [Double]) -> [Double] {
        let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
        var adjusted = pValues
        var most = 0.0
        for (rank, index) in order.enumerated() {
            most = max(most, min(1, pValues[index] * Double(pValues.count - rank)))
            adjusted[index] = most
        }
        return adjusted
    }
}
