package import BenchResults
import FaultAudit
import Simulation

/// Explores one strategy under one fault: one schedule after the other, each from a seed of its own.
package struct Explorer: Sendable {
    /// Which orders are tried.
    package enum Orders: String, Sendable, CaseIterable {
        /// Every step that may come next has the same chance.
        case uniform
        /// PCT, with none to two changes of priority.
        case pct
        /// Both in turn, by the seed.
        case both
        /// Every order of a small world, once: see ``SchedulePlan/small``.
        case all
    }

    package let plan: SchedulePlan
    package let orders: Orders

    package init(_ plan: SchedulePlan, orders: Orders = .both) {
        self.plan = plan
        self.orders = orders
    }

    package struct Violation: Sendable {
        package let seed: UInt64
        package let findings: [String]
        /// With the same ones it is played again.
        package let decisions: [UInt32]

        package init(seed: UInt64, findings: [String] = [], decisions: [UInt32] = []) {
            self.seed = seed
            self.findings = findings
            self.decisions = decisions
        }
    }

    package struct Outcome: Sendable {
        package var schedules = 0
        package var violations = 0
        /// Schedules by the kind of what was violated; one counts for each kind that it shows.
        package var kinds: [String: Int] = [:]
        package var undecided = 0
        /// Schedules in which nobody bought anything.
        package var idle = 0
        package var steps = 0
        /// The first one that was found.
        package var first: Violation?
        /// Of all schedules together, whatever their order: the same seeds make the same number, in every
        /// build and on every machine.
        package var fingerprint: UInt64 = 0
        /// Of CPU, all cores together.
        package var seconds = 0.0
        /// Of the schedules that were played by priorities.
        package var chance = PriorityChance()

        package init() {}

        mutating func add(_ schedule: Schedule, seed: UInt64, _ order: StepOrder) {
            schedules += 1
            if case .priorities(let changes, let steps) = order.rule {
                chance.add(
                    changes: changes, changeSteps: steps, rivals: schedule.rivals, steps: schedule.steps)
            }
            steps += schedule.steps
            fingerprint &+= schedule.fingerprint
            if schedule.isIdle { idle += 1 }
            switch schedule.verdict {
            case .safe: break
            case .unknown: undecided += 1
            case .violated:
                violations += 1
                for kind in schedule.kinds { kinds[kind, default: 0] += 1 }
                guard first == nil else { return }
                first = Violation(
                    seed: seed, findings: schedule.findings, decisions: schedule.chooser.decisions)
            }
        }

        package mutating func add(_ other: Outcome) {
            if let found = other.first, first.map({ found.seed < $0.seed }) ?? true {
                first = found
            }
            schedules += other.schedules
            violations += other.violations
            kinds.merge(other.kinds, uniquingKeysWith: +)
            chance.add(other.chance)
            undecided += other.undecided
            idle += other.idle
            steps += other.steps
            fingerprint &+= other.fingerprint
            seconds += other.seconds
        }
    }

    /// Plays every order of a small world, each once, depth first. Orders that differ only in what no other
    /// process can notice are one.
    ///
    /// - Parameter most: Schedules after which it gives up.
    /// - Returns: What came out, and whether that were all.
    package func exploreAll(most: Int, isOver: () -> Bool = { false }) throws -> (Outcome, isComplete: Bool) {
        var outcome = Outcome()
        let began = ThreadClock.now
        let runner = try ScheduleRunner(plan)
        var decisions: [UInt32]? = []
        while let next = decisions, outcome.schedules < most, !isOver() {
            let schedule = runner.run(Chooser(following: next), .search)
            outcome.add(schedule, seed: UInt64(outcome.schedules), .search)
            decisions = schedule.chooser.next
        }
        outcome.seconds = ThreadClock.now - began
        return (outcome, decisions == nil)
    }

    /// Plays the schedules of these seeds.
    ///
    /// - Parameters:
    ///   - stopsAtFirst: Whether the first violation ends it.
    ///   - isOver: Asked after each 16 schedules; true ends it.
    package func explore(
        _ seeds: Range<UInt64>, stopsAtFirst: Bool, isOver: () -> Bool = { false }
    ) throws -> Outcome {
        var outcome = Outcome()
        let began = ThreadClock.now
        let runner = try ScheduleRunner(plan)
        for seed in seeds {
            if outcome.schedules > 0, outcome.schedules.isMultiple(of: 16), isOver() { break }
            let order = runner.order(of: seed, orders)
            let schedule = runner.run(Chooser(seed: seed), order)
            outcome.add(schedule, seed: seed, order)
            if stopsAtFirst, outcome.first != nil { break }
        }
        outcome.seconds = ThreadClock.now - began
        return outcome
    }
}

extension ScheduleRunner {
    /// Plays the schedule of a seed. The seed decides the order's kind too.
    package func run(seed: UInt64, _ orders: Explorer.Orders, isTold: Bool = false) -> Schedule {
        run(Chooser(seed: seed), order(of: seed, orders), isTold: isTold)
    }

    func order(of seed: UInt64, _ orders: Explorer.Orders) -> StepOrder {
        guard orders != .all else { return .search }
        let isPCT = orders == .pct || (orders == .both && seed.isMultiple(of: 2))
        return isPCT
            ? StepOrder(.priorities(changes: Int(seed / 2 % 3), steps: usualSteps)) : StepOrder()
    }
}

extension StepOrder {
    /// For going through all orders: a command may be so much later than others.
    static let search = StepOrder(.commandsOnly, slack: 6_000_000)
}
