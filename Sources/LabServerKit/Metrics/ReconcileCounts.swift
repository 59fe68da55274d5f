import InventoryService
import Synchronization

/// What all reconciliations of this process found and did.
final class ReconcileCounts: Sendable {
    struct Counts: Sendable, Hashable {
        var runs = 0
        var cleared = 0
        var returned = 0
        var filled = 0
        var distrusted = 0
        /// Drift that the newest run found.
        var driftUnits = 0
        /// Products of the newest run on which something could not be done.
        var problems = 0
    }

    private let counts = Mutex(Counts())

    var value: Counts { counts.withLock { $0 } }

    func note(_ report: ReconcileReport) {
        guard !report.isDryRun else { return }
        counts.withLock { counts in
            counts.runs += 1
            counts.cleared += report.cleared
            counts.returned += report.returned
            counts.filled += report.filled
            counts.distrusted += report.distrusted ? 1 : 0
            counts.driftUnits = report.driftUnits
            counts.problems = report.entries.count { !$0.problems.isEmpty }
        }
    }
}
