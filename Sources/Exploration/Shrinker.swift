import FaultAudit
import LockStrategies
package import Simulation

/// Makes a violation small: fewer buyers, then fewer decisions, and fewer that are not the simplest.
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
        package let order: StepOrder
        package let decisions: [UInt32]
        package let schedule: Schedule

        /// Steps that are told.
        var steps: Int { StoryText(schedule).steps.count }

        /// Plays these decisions.
        package init(_ plan: SchedulePlan, _ order: StepOrder, _ decisions: [UInt32]) throws {
            self.init(try ScheduleRunner(plan), order, decisions)
        }

        init(_ runner: ScheduleRunner, _ order: StepOrder, _ decisions: [UInt32]) {
            (plan, self.order, self.decisions) = (runner.plan, order, decisions)
            schedule = runner.run(Chooser(following: decisions), order, isTold: true)
        }
    }

    /// - Parameters:
    ///   - violation: One of this plan.
    ///   - isOver: True ends it: what is small so far is told.
    package func shrink(
        _ plan: SchedulePlan, _ violation: Explorer.Violation, isOver: @escaping () -> Bool = { false }
    ) throws -> Small? {
        let runner = try ScheduleRunner(plan)
        let order = runner.order(of: violation.seed, orders)
        let chooser =
            orders == .all ? Chooser(following: violation.decisions) : Chooser(seed: violation.seed)
        let first = runner.run(chooser, order)
        guard let kind = first.firstKind else { return nil }
        // Where all orders are gone through, the world is the smallest already.
        for smaller in orders == .all ? [] : Self.smaller(than: plan) where !isOver() {
            let runner = try ScheduleRunner(smaller)
            let found = (0..<UInt64(mostTries)).lazy.prefix { _ in !isOver() }
                .filter { runner.run(seed: $0, orders).firstKind == kind }
            var best: Small?
            for (rival, seed) in found.prefix(Self.mostRivals).enumerated() {
                if rival >= Self.rivals, let best, best.steps <= Self.longest { break }
                let order = runner.order(of: seed, orders)
                let decisions = runner.run(seed: seed, orders).chooser.decisions
                let small = fewerDecisions(runner, order, decisions, kind, isOver)
                if small.steps < best?.steps ?? .max { best = small }
            }
            if let best { return best }
        }
        return fewerDecisions(runner, order, first.chooser.decisions, kind, isOver)
    }

    /// So many violations of the smallest plan are made small, and more of them while each is longer than
    /// it should be; the shortest is told.
    private static let (rivals, mostRivals) = (4, 16)

    /// Steps that a story should not be longer than.
    private static let longest = 25

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

    private func fewerDecisions(
        _ runner: ScheduleRunner, _ order: StepOrder, _ all: [UInt32], _ kind: String,
        _ isOver: @escaping () -> Bool
    ) -> Small {
        var decisions = all
        var tries = 0
        func holds(_ candidate: [UInt32]) -> Bool {
            tries += 1
            return runner.run(Chooser(following: candidate), order).firstKind == kind
        }
        /// Tries the simpler list in place of each part of this width; true when one was as good.
        func pass(_ width: Int, _ simpler: ([UInt32], Range<Int>) -> [UInt32]) -> Bool {
            var isBetter = false
            var place = 0
            while place < decisions.count, tries < mostTries, !isOver() {
                let part = place..<min(place + width, decisions.count)
                place = part.upperBound
                guard decisions[part].contains(where: { $0 != 0 }) else { continue }
                var candidate = simpler(decisions, part)
                while candidate.last == 0 { candidate.removeLast() }
                guard holds(candidate) else { continue }
                decisions = candidate
                isBetter = true
            }
            return isBetter
        }
        var width = max(decisions.count / 2, 1)
        while tries < mostTries, !isOver() {
            let isZeroed = pass(width) { Self.zeroed($0, $1) }
            // Without a part, what follows is decided earlier: that drops a step which no zero can drop.
            let isShorter = pass(width) { Self.without($0, $1) }
            if width == 1, !isZeroed, !isShorter { break }
            if !isZeroed, !isShorter { width = max(width / 2, 1) }
        }
        while decisions.last == 0 { decisions.removeLast() }
        return Small(runner, order, decisions)
    }

    private static func zeroed(_ decisions: [UInt32], _ part: Range<Int>) -> [UInt32] {
        var simpler = decisions
        for index in part { simpler[index] = 0 }
        return simpler
    }

    private static func without(_ decisions: [UInt32], _ part: Range<Int>) -> [UInt32] {
        Array(decisions[..<part.lowerBound] + decisions[part.upperBound...])
    }
}

extension Schedule {
    /// The name of the first thing that is wrong; nil: nothing is.
    var firstKind: String? {
        report.findings.first { $0.verdict == .violated }?.invariant.rawValue ?? faults.first?.kind.rawValue
    }
}
