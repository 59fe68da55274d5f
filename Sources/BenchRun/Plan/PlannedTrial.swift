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
    /// What a sweep changes from trial to trial; nil: the run is no sweep.
    var sweep: Sweep?

    /// What it is in this trial: `8 users`, `300/s`.
    package var swept: String? {
        guard !isControl else { return nil }
        return switch sweep {
        case .users: Text.count(users, "user")
        case .rate: rate.map { "\(Text.number($0))/s" }
        case nil: nil
        }
    }

    /// How long it will take, roughly. A closed load takes somewhat longer than was asked for until it is
    /// warm.
    package var expectedTime: Duration {
        (model.isOpen ? warmup : warmup * 7 / 5) + duration + RunPlan.overhead
    }

    package var load: OfferedLoad { OfferedLoad(model: model, users: users, rate: rate) }
    var isControl: Bool { strategy.isNegativeControl }
}
