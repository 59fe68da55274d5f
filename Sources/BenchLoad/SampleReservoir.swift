package import BenchModel
package import NIOCore

/// One request of a load.
package struct Sample: Sendable, Equatable {
    package let user: Int
    /// Place among the products of the trial.
    package let product: Int
    /// Since the start of the load.
    package let intended: TimeAmount
    package let sent: TimeAmount
    package let done: TimeAmount
    package let outcome: BuyerOutcome
    package let timing: ServerTiming
}

/// A fair choice of a load's measured requests, of bounded size (Vitter's algorithm R): each request has the
/// same chance to be in it, however many there are.
package struct SampleReservoir: Sendable, Equatable {
    package static let size = 10_000

    private let limit: Int
    private var generator: SplitMix64
    /// Out of how many these were chosen.
    package private(set) var seen = 0
    package private(set) var samples: [Sample] = []

    package init(limit: Int = SampleReservoir.size, seed: UInt64 = 1) {
        self.limit = limit
        generator = SplitMix64(seed: seed)
    }

    package mutating func add(_ sample: Sample) {
        seen += 1
        if samples.count < limit {
            samples.append(sample)
        } else {
            let place = Int.random(in: 0..<seen, using: &generator)
            if place < limit { samples[place] = sample }
        }
    }
}
