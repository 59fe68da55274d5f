package import LockStrategies

/// What is broken while buyers buy.
package enum Fault: String, Sendable, Codable, CaseIterable {
    /// Nothing: the control.
    case none
    /// Work inside the lock takes longer than the lease, after the last look at the clock.
    case slowHolder = "slow-holder"
    /// One worker process is stopped longer than the lease, then goes on.
    case pauseBuyer = "pause-buyer"
    /// One worker process is killed.
    case killBuyer = "kill-buyer"
    /// Redis is stopped, then goes on.
    case pauseRedis = "pause-redis"
    /// Redis is killed and started again; it had synced every write.
    case killRedisAOF = "kill-redis-aof"
    /// Redis forgets all scripts.
    case scriptFlush = "script-flush"

    /// What theory says of the strategy alone, whose stock is in Redis.
    package enum Expectation: String, Sendable, Codable {
        case safe
        /// A violation must be shown.
        case violated
        /// It can be violated, but only in a moment that a run may miss.
        case mayBeViolated = "may-be-violated"
    }

    package func expectation(of strategy: StrategyEntry) -> Expectation {
        if strategy.isNegativeControl { return .violated }
        if strategy.traits.abilities.contains(.stallSafety) { return .safe }
        return switch self {
        case .slowHolder: .violated
        case .pauseBuyer: .mayBeViolated
        case .none, .killBuyer, .pauseRedis, .killRedisAOF, .scriptFlush: .safe
        }
    }
}
