package import BenchRun
package import FaultInjection
package import LockStrategies

/// A lock in any language under faults. Theory knows nothing of it; whoever asks may say what must hold.
package struct FaultDriver: Sendable {
    package let planned: PlannedDriver
    /// Faults under which it must not be violated.
    package let mustHold: Set<Fault>

    package init(_ planned: PlannedDriver, mustHold: Set<Fault> = []) {
        self.planned = planned
        self.mustHold = mustHold
    }

    package var entry: StrategyEntry { planned.entry }
}
