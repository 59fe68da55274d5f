package import FaultAudit
package import Simulation

/// One way in which everything happened.
package struct Schedule: Sendable {
    package let history: History
    package let report: Auditor.Report
    /// What only a simulation can see.
    package let faults: [ScheduleFault]
    package let steps: Int
    /// Tasks and lines of events that had a priority; 0 where the order has none.
    package let rivals: Int
    /// From the first moment at which something broke to the last; nil: nothing did.
    package let strikes: ClosedRange<World.Moment>?
    /// The same for the same steps at the same moments.
    package let fingerprint: UInt64
    package let chooser: Chooser
    package let story: [StoryLine]

    init(
        _ world: World, _ history: History, _ report: Auditor.Report, _ faults: [ScheduleFault]
    ) {
        self.history = history
        self.report = report
        self.faults = faults
        steps = world.steps
        rivals = world.rivals
        strikes = world.strikes
        fingerprint = world.fingerprint
        chooser = world.chooser
        story = world.story
    }

    /// The worst of what the auditor and the simulation found. A schedule in which nobody bought anything
    /// shows little, but nothing in it is undecided.
    package var verdict: Auditor.Verdict {
        if !faults.isEmpty || report.verdict == .violated { return .violated }
        return report.findings.contains { $0.verdict == .unknown } ? .unknown : .safe
    }

    /// The names of what is wrong, each once.
    package var kinds: Set<String> {
        Set(report.findings.filter { $0.verdict == .violated }.map(\.invariant.rawValue))
            .union(faults.map(\.kind.rawValue))
    }

    /// Nobody bought anything.
    package var isIdle: Bool { !history.operations.contains { $0.outcome == .ok } }

    /// What is wrong, a sentence each.
    package var findings: [String] {
        report.findings.filter { $0.verdict == .violated }.map { "\($0.invariant.rawValue): \($0.sentence)" }
            + faults.map { "\($0.kind.rawValue): \($0.sentence)" }
    }
}
