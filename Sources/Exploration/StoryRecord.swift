package import BenchModel
package import BenchResults
import FaultAudit
import LockStrategies
import Simulation

extension ExploreStory {
    package init(_ small: Shrinker.Small, gitCommit: String?) {
        let (plan, schedule) = (small.plan, small.schedule)
        let proof = Set(schedule.report.findings.filter { $0.verdict == .violated }.flatMap(\.proof))
        let calls = schedule.history.operations.sorted { ($0.invoked, $0.id) < ($1.invoked, $1.id) }
        self.init(
            strategy: plan.strategy.name, fault: plan.fault.rawValue, level: plan.level, gitCommit: gitCommit,
            stage: Stage(
                processes: plan.processes, buyers: plan.buyers, purchases: plan.purchases,
                stock: plan.stock, lockNodes: plan.lockNodes),
            order: Order(small.order), decisions: small.decisions, steps: StoryText(schedule).told,
            violations: schedule.findings,
            struckMs: schedule.strikes.map { Double($0.lowerBound) / 1e6 },
            healedMs: schedule.strikes.map { Double($0.upperBound) / 1e6 },
            findings: schedule.report.findings,
            operations: calls.map { FaultCell.Operation($0, from: 0, isProof: proof.contains($0.id)) })
    }

    /// Plays it again.
    ///
    /// - Throws: ``BenchError`` with `.badInput`, in one sentence.
    package func play() throws(BenchError) -> Shrinker.Small {
        let registry = StrategyRegistry.builtIn
        guard let entry = registry.entry(named: strategy) else {
            throw BenchError(.badInput, registry.complaint(about: strategy))
        }
        guard let broken = WorldFault(rawValue: fault) else {
            throw BenchError(.badInput, "it tells of the fault \(fault), which this program does not know")
        }
        if let obstacle = broken.obstacle(for: entry, at: level) { throw BenchError(.badInput, obstacle) }
        var plan = SchedulePlan(entry, broken, at: level)
        try check(plan)
        (plan.processes, plan.buyers, plan.purchases) = (stage.processes, stage.buyers, stage.purchases)
        (plan.stock, plan.lockNodes) = (stage.stock, stage.lockNodes)
        do {
            return try Shrinker.Small(plan, try order.stepOrder(), decisions)
        } catch let error as BenchError {
            throw error
        } catch {
            throw BenchError(.badInput, "\(error)")
        }
    }

    /// A stage is never larger than that of an exploration: a larger one might take hours.
    private func check(_ largest: SchedulePlan) throws(BenchError) {
        // Faults of lock nodes strike up to three of them.
        let nodes = largest.fault.isOfNodes ? largest.lockNodes...largest.lockNodes : 1...largest.lockNodes
        let sizes = [
            ("processes", stage.processes, 1...largest.processes),
            ("buyers", stage.buyers, 1...largest.buyers),
            ("purchases", stage.purchases, 1...largest.purchases), ("stock", stage.stock, 1...largest.stock),
            ("lock_nodes", stage.lockNodes, nodes),
        ]
        for (name, size, range) in sizes where !range.contains(size) {
            throw BenchError(
                .badInput, "\(name) of its stage is \(range.lowerBound) to \(range.upperBound), not \(size)")
        }
    }
}

extension ExploreStory.Order {
    init(_ order: StepOrder) {
        switch order.rule {
        case .uniform: self.init(.uniform)
        case .priorities(let changes, let steps): self.init(.pct, changes: changes, changeSteps: steps)
        case .commandsOnly: self.init(.all)
        }
    }

    func stepOrder() throws(BenchError) -> StepOrder {
        switch rule {
        case .uniform: return StepOrder()
        case .all: return .search
        case .pct:
            guard let changes, let changeSteps, (0...2).contains(changes),
                (1...SchedulePlan.mostSteps).contains(changeSteps)
            else { throw BenchError(.badInput, "its order pct has 0 to 2 changes, and steps among them") }
            return StepOrder(.priorities(changes: changes, steps: changeSteps))
        }
    }
}
