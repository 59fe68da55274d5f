import LockStrategies

/// One trial before it is run.
struct PlannedTrial: Sendable, Equatable {
    let strategy: StrategyID
    let model: LoadModel
    /// Purchases per second that an open load offers.
    let rate: Double?
    /// Place in the whole run, from 1.
    let order: Int
    /// Round, from 1; 0 for a negative control, which runs once before the rounds.
    let block: Int
    let stock: Int
    let warmup: Duration
    let duration: Duration
    let users: Int

    var load: OfferedLoad { OfferedLoad(model: model, users: users, rate: rate) }
    var isControl: Bool { strategy.isNegativeControl }
}
