import BenchModel
import Foundation

/// Values from known distributions; the same again for the same seed.
struct Chance {
    private var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    /// Evenly distributed from 0 to 1.
    mutating func uniform() -> Double { Double.random(in: 0..<1, using: &generator) }

    /// Standard normal (Box and Muller).
    mutating func normal() -> Double {
        (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
    }

    /// Exponential with mean 1.
    mutating func exponential() -> Double { -log(1 - uniform()) }

    /// Student's t with three degrees of freedom: heavy tails.
    mutating func heavy() -> Double {
        let squares = (0..<3).reduce(0.0) { sum, _ in
            let value = normal()
            return sum + value * value
        }
        return normal() / (squares / 3).squareRoot()
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
}
