package import BenchResults
package import LockStrategies

/// Who buys in a simulated world, and what is broken there.
package struct SchedulePlan: Sendable {
    package var strategy: StrategyEntry
    package var fault: WorldFault
    /// Whether buyers call the strategy, or are clients of a server that sells with it.
    package var level: FaultLevel
    /// Processes with buyers in them; in the service they are clients, and there is one server.
    package var processes = 2
    /// Buyers of each process.
    package var buyers = 2
    /// Purchases of each buyer, one after the other.
    package var purchases = 2
    /// Units of the product at the beginning. Fewer than are wanted: so buyers are refused, too.
    package var stock = 6
    /// Lock nodes, where the strategy asks any.
    package var lockNodes = 5

    /// The server is killed before this step, once, and not at a moment; only for `kill-server`.
    package var killStep: Int?

    package static let lease = Duration.milliseconds(200)
    /// How long a buyer waits for the lock.
    package static let patience = Duration.seconds(1)
    /// Time limit of a call to Redis.
    package static let callLimit = Duration.milliseconds(150)
    /// A schedule that has more steps is not decided.
    package static let mostSteps = 50_000

    /// Two processes with a buyer each, who buys one unit of two, once: few enough orders to go through all.
    package var small: SchedulePlan {
        var small = self
        (small.processes, small.buyers, small.purchases, small.stock) = (2, 1, 1, 2)
        small.lockNodes = 1
        return small
    }

    package init(_ strategy: StrategyEntry, _ fault: WorldFault, at level: FaultLevel = .strategy) {
        self.strategy = strategy
        self.fault = fault
        self.level = level
        if level == .service { (processes, buyers, stock) = (1, 3, 4) }
    }
}
