import FaultAudit
import LockStrategies
import Simulation

/// Makes a violation small: fewer buyers, then fewer decisions that are not the simplest.
package struct Shrinker {
    private let orders: Explorer.Orders
    /// Schedules of a smaller plan that are tried, and replays of a list of decisions.
    private let mostTries: Int

    package init(_ orders: Explorer.Orders, mostTries: Int = 2_000) {
        self.orders = orders
        self.mostTries = mostTries
    }

    /// A small violation, and all that is needed to play it again.
    package struct Small: Sendable {
        package let plan: SchedulePlan
        package let decisions: [UInt32]
        package let schedule: Schedule

        /// Steps that are told.
        var steps: Int { StoryText(schedule).steps.count }
    }

    /// - Parameter seed: Of the violation under this plan.
    package func shrink(_ plan: SchedulePlan, seed: UInt64) throws -> Small? {
        guard let kind = try ScheduleRunner(plan).run(seed: seed, orders).firstKind else { return nil }
        for smaller in Self.smaller(than: plan) {
            let runner = try ScheduleRunner(smaller)
            let found = (0..<UInt64(mostTries)).lazy
                .filter { runner.run(seed: $0, orders).firstKind == kind }.prefix(Self.rivals)
            let smalls = found.map { fewerDecisions(runner, $0, kind) }
            if let small = smalls.min(by: { $0.steps < $1.steps }) { return small }
        }
        return fewerDecisions(try ScheduleRunner(plan), seed, kind)
    }

    /// So many violations of the smallest plan are made small; the shortest is told.
    private static let rivals = 4

    /// From the smallest on.
    private static func smaller(than plan: SchedulePlan) -> [SchedulePlan] {
        var plans: [SchedulePlan] = []
        // Faults of lock nodes are told of five.
        let isOfNodes = plan.fault.isOfNodes || !plan.strategy.needsLockNodes
        for lockNodes in isOfNodes ? [plan.lockNodes] : [1, 3, plan.lockNodes] {
            for purchases in 1...plan.purchases {
                for buyers in 1...plan.buyers {
                    for stock in [1, 2, plan.stock] {
                        var smaller = plan
                        (smaller.purchases, smaller.buyers) = (purchases, buyers)
                        (smaller.stock, smaller.lockNodes) = (stock, lockNodes)
                        plans.append(smaller)
                    }
                }
            }
        }
        return plans
    }

    private func fewerDecisions(_ runner: ScheduleRunner, _ seed: UInt64, _ kind: String) -> Small {
        let order = runner.order(of: seed, orders)
        var decisions = runner.run(seed: seed, orders).chooser.decisions
        var tries = 0
        func holds(_ candidate: [UInt32]) -> Bool {
            tries += 1
            return runner.run(Chooser(following: candidate), order).firstKind == kind
        }
        var width = max(decisions.count / 2, 1)
        while tries < mostTries {
            var isBetter = false
            var place = 0
            while place < decisions.count, tries < mostTries {
                let part = place..<min(place + width, decisions.count)
                place += width
                guard decisions[part].contains(where: { $0 != 0 }) else { continue }
                var candidate = decisions
                for index in part { candidate[index] = 0 }
                while candidate.last == 0 { candidate.removeLast() }
                if holds(candidate) {
                    decisions = candidate
                    isBetter = true
                }
            }
            if width == 1, !isBetter { break }
            if !isBetter { width = max(width / 2, 1) }
        }
        return Small(
            plan: runner.plan, decisions: decisions,
            schedule: runner.run(Chooser(following: decisions), order, isTold: true))
    }
}

extension Schedule {
    /// The name of the first thing that is wrong; nil: nothing is.
    var firstKind: String? {
        report.findings.first { $0.verdict == .violated }?.invariant.rawValue ?? faults.first?.kind.rawValue
    }
}
