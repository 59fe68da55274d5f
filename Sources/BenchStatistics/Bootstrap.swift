import BenchModel

/// How far the ratio of two medians can be trusted.
package enum Bootstrap {
    package struct Interval: Sendable, Equatable, Codable {
        package let low: Double
        package let high: Double
    }

    static let resamples = 4_000

    /// The percentile interval of the ratio of medians, `second` to `first`, over trials drawn with
    /// replacement; the same for the same seed.
    ///
    /// - Returns: nil when a median can be 0 or a group has fewer than two trials.
    static func ratioOfMedians(
        _ first: [Double], _ second: [Double], confidence: Double = 0.95, seed: UInt64 = 1
    ) -> Interval? {
        guard first.count > 1, second.count > 1, first.allSatisfy({ $0 > 0 }),
            second.allSatisfy({ $0 > 0 })
        else { return nil }
        var generator = SplitMix64(seed: seed)
        func median(_ values: [Double]) -> Double {
            middle(values.map { _ in values[Int.random(in: 0..<values.count, using: &generator)] })
        }
        let ratios = (0..<resamples).map { _ in median(second) / median(first) }.sorted()
        let tail = (1 - confidence) / 2
        let last = Double(resamples - 1)
        return Interval(
            low: ratios[Int((tail * last).rounded())], high: ratios[Int(((1 - tail) * last).rounded())])
    }

    /// - Parameter values: At least one.
    package static func middle(_ values: [Double]) -> Double { Spread(values)?.median ?? .nan }
}
