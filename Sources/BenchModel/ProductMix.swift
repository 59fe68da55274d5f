import Foundation

/// How the demand of a load is divided over the products on sale: Zipf's law, in which the product of rank k
/// is wanted in proportion to 1/k^skew. 0 is an even demand; at 1 the first of ten products draws a third.
package struct ProductMix: Sendable, Equatable {
    package static let mostProducts = 1_000

    package let skew: Double
    /// Up to and with each product, the hottest first; the last one is 1.
    private let cumulated: [Double]

    /// - Parameter count: At least 1.
    package init(count: Int, skew: Double) {
        self.skew = skew
        let weights = (1...max(count, 1)).map { pow(Double($0), -skew) }
        let whole = weights.reduce(0, +)
        var sum = 0.0
        cumulated = weights.map { weight in
            sum += weight / whole
            return sum
        }
    }

    /// One product that everybody wants.
    package static let one = ProductMix(count: 1, skew: 0)

    package var count: Int { cumulated.count }

    /// Share of the demand that the hottest product draws.
    package var hotShare: Double { cumulated[0] }

    /// The place of the product that is wanted next.
    package func next(using generator: inout SplitMix64) -> Int {
        guard count > 1 else { return 0 }
        let wanted = Double.random(in: 0..<1, using: &generator)
        var (low, high) = (0, count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulated[middle] > wanted { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// What one user wants, request after request: the same for every strategy of a round.
    package struct Wishes: Sendable {
        private let mix: ProductMix
        private var generator: SplitMix64

        package init(_ mix: ProductMix, seed: UInt64, user: Int) {
            self.mix = mix
            generator = SplitMix64(seed: seed &* 1_000_003 &+ UInt64(user))
            // Neighbouring seeds begin alike.
            _ = generator.next()
        }

        package mutating func next() -> Int { mix.next(using: &generator) }
    }
}
