package import BenchModel
package import LockStrategies

/// One trial before it is run.
package struct PlannedTrial: Sendable, Equatable {
    package let strategy: StrategyEntry
    package let model: LoadModel
    /// Purchases per second that an open load offers.
    package let rate: Double?
    /// Place in the whole run, from 1.
    package let order: Int
    /// Round, from 1; 0 for a negative control, which runs once before the rounds.
    let block: Int
    package let stock: Int
    package let warmup: Duration
    package let duration: Duration
    package let users: Int

    package var load: OfferedLoad { OfferedLoad(model: model, users: users, rate: rate) }
    var isControl: Bool { strategy.isNegativeControl }
}
