import NIOCore

/// One request of a load.
struct Sample: Sendable, Equatable {
    let user: Int
    /// Place among the products of the trial.
    let product: Int
    /// Since the start of the load.
    let intended: TimeAmount
    let sent: TimeAmount
    let done: TimeAmount
    let outcome: PurchaseOutcome
    let timing: ServerTiming
}

/// A fair choice of a load's measured requests, of bounded size (Vitter's algorithm R): each request has the
/// same chance to be in it, however many there are.
struct SampleReservoir: Sendable, Equatable {
    static let size = 10_000

    private let limit: Int
    private var generator: SeededGenerator
    /// Out of how many these were chosen.
    private(set) var seen = 0
    private(set) var samples: [Sample] = []

    init(limit: Int = SampleReservoir.size, seed: UInt64 = 1) {
        self.limit = limit
        generator = SeededGenerator(seed: seed)
    }

    mutating func add(_ sample: Sample) {
        seen += 1
        if samples.count < limit {
            samples.append(sample)
        } else {
            let place = Int.random(in: 0..<seen, using: &generator)
            if place < limit { samples[place] = sample }
        }
    }
}
