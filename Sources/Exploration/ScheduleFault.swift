import FaultAudit
import LockStrategies
import Simulation

/// Something that must never be, and that only a simulation can see.
package struct ScheduleFault: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Somebody waits, and nothing will ever wake him; or he was answered long after his deadline.
        case lostWakeUp = "lost-wake-up"
        /// A task still slept, or a subscription stood, when every call had ended.
        case outlivesTheCall = "outlives-the-call"
        /// A lock without a time to live.
        case keyWithoutEnd = "key-without-end"
        /// The strategy says that it sent another number of commands than its ports have sent, or that it
        /// tried another number of times.
        case evidence
        /// Nothing was lost on the way, and a lock still stands although every call has ended, or stood until
        /// its time to live had passed.
        case lockLeft = "lock-left"
        /// The bound of steps was reached.
        case endless
        /// Two different answers were given under one idempotency key.
        case twoAnswers = "two-answers"
        /// A client was told that nothing was bought, and the ledger held a purchase.
        case toldWrong = "told-wrong"
        /// A client was told "sold out" while nobody else was being served and units were left.
        case lostSale = "lost-sale"
        /// Nothing was broken, and a client was told an error.
        case needlessError = "needless-error"
        /// A user bought more units than one may.
        case overLimit = "over-limit"
        /// The reconciler does not come to an end, or leaves a reservation open.
        case leftOpen = "left-open"
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
        let living = stage.processes.filter { !$0.process.isDead }
        for member in living where !member.notes.hasEnded {
            found.append(
                .init(
                    kind: .lostWakeUp,
                    sentence: "process \(member.process.number) waits, and nothing is left that could wake it"
                ))
        }
        found += late(history, healed: healed)
        if stage.plan.fault == .none, stage.plan.strategy.traits.abilities.contains(.notifiedWaiting) {
            found += unnoticed(history)
        }
        for member in living where member.notes.sleepersAtEnd > 0 {
            found.append(
                .init(
                    kind: .outlivesTheCall,
                    sentence: "\(member.notes.sleepersAtEnd) tasks of process \(member.process.number) sleep "
                        + "although every call has ended"))
        }
        for node in stage.nodes { found += left(at: node, stage.plan.fault) }
        return found + miscounted(living, stage.plan) + mistried(living, stage.plan)
    }

    /// What stands at a node although nobody needs it, or stood for too long.
    private static func left(at node: SimulatedNode, _ fault: WorldFault) -> [ScheduleFault] {
        var found: [ScheduleFault] = []
        if node.subscriptions > 0 {
            found.append(
                .init(
                    kind: .outlivesTheCall,
                    sentence: "\(node.subscriptions) subscriptions stand although every call has ended"))
        }
        for key in node.keys where isLock(key.name) {
            if key.end == nil {
                found.append(.init(kind: .keyWithoutEnd, sentence: "\(key.name) has no time to live"))
            } else if fault.keepsReleases {
                found.append(
                    .init(kind: .lockLeft, sentence: "\(key.name) stands although every call has ended"))
            }
        }
        if fault.keepsLeases {
            for name in node.timedOut where isLock(name) {
                found.append(
                    .init(kind: .lockLeft, sentence: "\(name) stood until its time to live had passed"))
            }
        }
        return found
    }

    private static func isLock(_ key: String) -> Bool { key.hasPrefix("lock:") }

    /// Which process says another number of commands than it sent.
    private static func miscounted(
        _ living: [Stage.BuyingProcess], _ plan: SchedulePlan
    ) -> [ScheduleFault] {
        let isQuorum = plan.strategy.needsLockNodes
        // Whether a node that nobody waits for could be sent a release is known only later.
        if isQuorum, plan.fault.endsNodes || plan.fault.failsReleases { return [] }
        // What is sent after the answer is not said: a release that failed is tried again then.
        let mayBeMore =
            plan.fault.failsReleases && !isQuorum && plan.strategy.traits.abilities.contains(.leases)
        return living.filter(\.notes.hasEnded).compactMap { member in
            let said = member.notes.said.commands
            let sent = member.ports.map(\.commandsSent).reduce(0, +)
            guard said > sent || (said < sent && !mayBeMore) else { return nil }
            return ScheduleFault(
                kind: .evidence,
                sentence:
                    "the calls of process \(member.process.number) say that they sent \(said) commands; "
                    + "it sent \(sent)")
        }
    }

    /// Which process says another number of tries than it sent. Judged where each try begins with one command
    /// of a name that is sent for nothing else; while nothing is broken each try is sent.
    private static func mistried(
        _ living: [Stage.BuyingProcess], _ plan: SchedulePlan
    ) -> [ScheduleFault] {
        let names: [StrategyEntry: String] = [
            .setnxSpin: "EVALSHA acquire-lock+read-stock", .setnxBackoff: "EVALSHA acquire-lock+read-stock",
            .optimistic: "WATCH", .luaAtomic: "EVALSHA lua-atomic",
        ]
        guard let name = names[plan.strategy] else { return [] }
        let isEachSent = [.none, .scriptFlush].contains(plan.fault)
        return living.filter(\.notes.hasEnded).compactMap { member in
            let said = member.notes.said.attempts
            let sent = member.ports[0].commandsSent(named: name)
            guard said < sent || (said > sent && isEachSent) else { return nil }
            return ScheduleFault(
                kind: .evidence,
                sentence: "the calls of process \(member.process.number) say that they tried \(said) times; "
                    + "it sent \(sent) times \(name)")
        }
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
