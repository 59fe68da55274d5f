import Foundation

/// The chance that the schedules of a cell which were played by priorities (PCT) met a bug that was there.
///
/// A bug has depth d when it shows as soon as d steps come in one order. A schedule with d - 1 changes of
/// priority meets it with a chance of at least 1 / (n · kᵈ⁻¹), for n tasks and lines of events and k steps
/// among which the changes are drawn. N of them meet it with at least 1 - (1 - 1 / (n · kᵈ⁻¹))ᴺ. Source:
/// Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010.
///
/// The bound says nothing of a bug that needs a change after step k; of one that needs a fault at one moment
/// or a message of one length, it is the chance once these are as the bug needs them.
package struct PriorityChance: Sendable, Codable, Equatable {
    /// Schedules without a change of priority, with one, and with two.
    package var schedulesByChanges = [0, 0, 0]
    /// The most tasks and lines of events in one schedule.
    package var mostRivals = 0
    /// The most steps in one schedule.
    package var mostSteps = 0
    /// Changes are drawn among so many steps: those of the simplest schedule.
    package var changeSteps = 0

    package init() {}

    package static let depths = [1, 2, 3]

    package mutating func add(changes: Int, changeSteps: Int, rivals: Int, steps: Int) {
        guard schedulesByChanges.indices.contains(changes) else { return }
        schedulesByChanges[changes] += 1
        self.changeSteps = max(self.changeSteps, changeSteps)
        mostRivals = max(mostRivals, rivals)
        mostSteps = max(mostSteps, steps)
    }

    package mutating func add(_ other: PriorityChance) {
        for place in schedulesByChanges.indices {
            schedulesByChanges[place] += other.schedulesByChanges[place]
        }
        changeSteps = max(changeSteps, other.changeSteps)
        mostRivals = max(mostRivals, other.mostRivals)
        mostSteps = max(mostSteps, other.mostSteps)
    }

    package var schedules: Int { schedulesByChanges.reduce(0, +) }

    /// That a bug of this depth was met at least once; nil: no schedule was played by priorities.
    package func atLeast(depth: Int) -> Double? {
        let changes = depth - 1
        guard schedules > 0, mostRivals > 0, changeSteps > 0, schedulesByChanges.indices.contains(changes)
        else { return nil }
        guard schedulesByChanges[changes] > 0 else { return 0 }
        let once = 1 / (Double(mostRivals) * pow(Double(changeSteps), Double(changes)))
        return once < 1 ? -expm1(Double(schedulesByChanges[changes]) * log1p(-once)) : 1
    }

    package var chances: [Double?] { Self.depths.map(atLeast) }
}
