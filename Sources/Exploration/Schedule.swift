import BenchAudit
package import FaultAudit
import FaultLab
import LockStrategies
import RedisClient
package import Simulation

/// Plays a ``SchedulePlan``, again and again, each time with other decisions.
package struct Theatre {
    package let plan: SchedulePlan
    private let lua: LuaInterpreter
    /// The Redis of the stock before anybody buys.
    private let template: RedisModel
    /// A lock node before anybody asks it.
    private let lockNode: RedisModel
    /// Steps of the simplest schedule.
    private(set) var usualSteps: Int

    /// - Throws: When the strategy cannot be made.
    package init(_ plan: SchedulePlan, lua: LuaInterpreter = LuaInterpreter()) throws {
        self.plan = plan
        self.lua = lua
        template = try Self.filled(plan, lua)
        lockNode = Self.knowingScripts(lua)
        usualSteps = 0
        usualSteps = play(Chooser(following: []), StepOrder()).steps
    }

    private static func filled(_ plan: SchedulePlan, _ lua: LuaInterpreter) throws -> RedisModel {
        let world = World(Chooser(following: []))
        let node = SimulatedNode(world, number: 0, lua: lua, model: knowingScripts(lua))
        let process = world.makeProcess()
        let port = SimulatedRedis(of: process, to: node, over: Network(world))
        let stock = ProductStock(port, layout: plan.strategy.traits.stockLayout)
        _ = process.start { [plan] in
            _ = try? await stock.initialise(
                StrategyBuyer<SimulatedRedis, SimulatedClock>.product, units: plan.stock)
        }
        _ = world.run(mostSteps: SchedulePlan.mostSteps)
        defer { world.end() }
        return node.model
    }

    /// A server that knows the scripts, and holds nothing.
    private static func knowingScripts(_ lua: LuaInterpreter) -> RedisModel {
        var model = RedisModel()
        for script in EmbeddedScripts.all {
            _ = try? model.execute(RedisCommand("SCRIPT", "LOAD", script.source), from: 0, at: 0, lua: lua)
        }
        return model
    }

    /// Plays once.
    ///
    /// - Parameter isTold: Whether the story is written.
    package func play(_ chooser: Chooser, _ order: StepOrder, isTold: Bool = false) -> Schedule {
        let world = World(chooser, order: order, isTold: isTold)
        defer { world.end() }
        let stage: Stage
        do {
            stage = try Stage(
                plan, world, isSearch: order.rule == .commandsOnly, models: (template, lockNode), lua: lua)
        } catch {
            preconditionFailure("the strategy was made before, and is not now: \(error)")
        }
        let healed = stage.planFault()
        stage.begin()
        let end = world.run(mostSteps: SchedulePlan.mostSteps)
        let history = Self.history(stage)
        return Schedule(
            history: history, report: Auditor.judge(history),
            faults: ScheduleFault.all(stage, end, history, healed: healed), steps: world.steps,
            fingerprint: world.fingerprint, chooser: world.chooser, story: world.story)
    }

    private static func history(_ stage: Stage) -> History {
        var operations: [History.Operation] = []
        for cast in stage.cast {
            operations += History.Operation.all(
                cast.notes.lines, process: cast.process.number, first: operations.count)
        }
        let buckets = stage.plan.strategy.traits.stockLayout.bucketCount
        let product = StrategyBuyer<SimulatedRedis, SimulatedClock>.product.rawValue
        let replies = StockReader.commands(of: product, buckets: buckets).map { command in
            (try? stage.nodes[0].read(command)) ?? .null
        }
        let isThere = (try? stage.nodes[0].read(RedisCommand("EXISTS", "stock:{\(product)}")))?.integer == 1
        let stock = StockReader.stock(replies)
        return History(
            initialStock: stage.plan.stock, operations: operations,
            end: History.End(
                read: stage.world.now, stock: stock?.units ?? (isThere ? nil : 0),
                open: stock?.reservations.values.reduce(0, +) ?? 0))
    }
}

/// One way in which everything happened.
package struct Schedule: Sendable {
    package let history: History
    package let report: Auditor.Report
    /// What only a simulation can see.
    package let faults: [ScheduleFault]
    package let steps: Int
    /// The same for the same steps at the same moments.
    package let fingerprint: UInt64
    package let chooser: Chooser
    package let story: [StoryLine]

    /// The worst of what the auditor and the simulation found. A schedule in which nobody bought anything
    /// shows little, but nothing in it is undecided.
    package var verdict: Auditor.Verdict {
        if !faults.isEmpty || report.verdict == .violated { return .violated }
        return report.findings.contains { $0.verdict == .unknown } ? .unknown : .safe
    }

    /// Nobody bought anything.
    package var isIdle: Bool { !history.operations.contains { $0.outcome == .ok } }

    /// What is wrong, a sentence each.
    package var findings: [String] {
        report.findings.filter { $0.verdict == .violated }.map { "\($0.invariant.rawValue): \($0.sentence)" }
            + faults.map { "\($0.kind.rawValue): \($0.sentence)" }
    }
}

/// Something that must never be, and that only a simulation can see.
package struct ScheduleFault: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Somebody waits, and nothing will ever wake him; or he was answered long after his deadline.
        case lostWakeUp = "lost-wake-up"
        /// A task still slept, or a subscription stood, when every call had ended.
        case outlivesTheCall = "outlives-the-call"
        /// A lock without a time to live.
        case keyWithoutEnd = "key-without-end"
        /// The strategy says that it sent another number of commands than Redis was sent.
        case evidence
        /// The bound of steps was reached.
        case endless
    }

    package let kind: Kind
    package let sentence: String

    static func all(
        _ stage: Stage, _ end: World.End, _ history: History, healed: World.Moment
    ) -> [ScheduleFault] {
        var found: [ScheduleFault] = []
        if end == .tooLong {
            found.append(.init(kind: .endless, sentence: "\(SchedulePlan.mostSteps) steps, and no end"))
            return found
        }
        let living = stage.cast.filter { !$0.process.isDead }
        for cast in living where !cast.notes.hasEnded {
            found.append(
                .init(
                    kind: .lostWakeUp,
                    sentence: "process \(cast.process.number) waits, and nothing is left that could wake it"))
        }
        found += late(history, healed: healed)
        if stage.plan.fault == .none, stage.plan.strategy.traits.abilities.contains(.notifiedWaiting) {
            found += unnoticed(history)
        }
        for cast in living where cast.notes.sleepersAtEnd > 0 {
            found.append(
                .init(
                    kind: .outlivesTheCall,
                    sentence: "\(cast.notes.sleepersAtEnd) tasks of process \(cast.process.number) sleep "
                        + "although every call has ended"))
        }
        for node in stage.nodes {
            if node.subscriptions > 0 {
                found.append(
                    .init(
                        kind: .outlivesTheCall,
                        sentence: "\(node.subscriptions) subscriptions stand although every call has ended"))
            }
            for key in node.keys where key.name.hasPrefix("lock:") && key.end == nil {
                found.append(.init(kind: .keyWithoutEnd, sentence: "\(key.name) has no time to live"))
            }
        }
        return found
    }

    /// So long after the lock became free a waiter who is told of it has it at the latest, while nothing is
    /// broken: a message and three commands.
    private static let longestWakeUp: Int64 = 20_000_000

    /// Who waited for a lock that nobody held: the wake-up was lost, and only the safety net helped.
    private static func unnoticed(_ history: History) -> [ScheduleFault] {
        let holds = history.operations.compactMap { operation in operation.hold.map { (operation.id, $0) } }
            .sorted { ($0.1.from, $0.0) < ($1.1.from, $1.0) }
        var free: Int64 = 0
        var found: [ScheduleFault] = []
        for (id, hold) in holds {
            let waited = hold.from - max(free, hold.asked ?? hold.from)
            if waited > longestWakeUp {
                found.append(
                    ScheduleFault(
                        kind: .lostWakeUp,
                        sentence:
                            "operation \(id) waited for \(waited / 1_000_000) ms although nobody was inside"
                    ))
            }
            free = max(free, hold.left ?? hold.until ?? hold.from)
        }
        return found
    }

    /// Who was told later than his deadline and the calls that may follow it; the time of a fault is added.
    private static func late(_ history: History, healed: World.Moment) -> [ScheduleFault] {
        let bound =
            Int64(
                (SchedulePlan.patience + SchedulePlan.callLimit * 8 + SchedulePlan.lease * 2)
                    / .nanoseconds(1))
            + healed
        return history.operations.compactMap { operation in
            guard let answered = operation.answered, answered - operation.invoked > bound else { return nil }
            return ScheduleFault(
                kind: .lostWakeUp,
                sentence: "operation \(operation.id) was answered after "
                    + "\((answered - operation.invoked) / 1_000_000) ms")
        }
    }
}
