/// How the next step is chosen among all that may come next.
package struct StepOrder: Sendable {
    package enum Rule: Sendable, Hashable {
        /// Each with the same chance.
        case uniform
        /// PCT: each task and each line of events has a priority, and the highest goes first; at `changes`
        /// random steps of the first `steps` the one that was about to go falls behind all that never fell,
        /// and to a place of its own among those that did. A bug that needs `changes` + 1
        /// things in one order is met with a chance of at least 1 / (n · kᶜʰᵃⁿᵍᵉˢ), for n tasks and lines and
        /// k steps. Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A Randomized Scheduler with
        /// Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
        case priorities(changes: Int, steps: Int)
        /// For a world that is searched through. Only what another process can notice is a decision: which
        /// command reaches a server next. What a process does between two of its commands can be noticed by
        /// nobody, so it is done at once; orders that differ in that alone are one.
        case commandsOnly
    }

    package var rule: Rule
    /// An event may come so much before others that are due earlier, and before a job that is ready: that is
    /// how slow a process or a connection is when nothing is broken.
    package var slack: World.Moment

    package init(_ rule: Rule = .uniform, slack: World.Moment = 1_200_000) {
        self.rule = rule
        self.slack = slack
    }
}

/// The priorities of the rule ``StepOrder/Rule/priorities(changes:steps:)``.
struct StepPriorities: Sendable {
    private var priorities: [Key: Int64] = [:]
    /// Each with its label, the priority that it gives.
    private var changePoints: [(step: Int, label: Int64)] = []

    /// Tasks and lines so far.
    var count: Int { priorities.count }

    /// A task or a line of events.
    struct Key: Sendable, Hashable {
        let isTask: Bool
        let number: UInt64
    }

    /// - Parameter steps: Among the first so many steps the changes are drawn, in any order: so whoever
    ///   falls later may fall less far.
    init(changes: Int, steps: Int, _ chooser: inout Chooser) {
        changePoints = (0..<changes).map { place in
            (chooser.choose(among: max(steps, 1)) + 1, -1 - Int64(place))
        }
    }

    /// The place of the one that goes next.
    mutating func highest(of keys: [Key], step: Int, _ chooser: inout Chooser) -> Int {
        for key in keys where priorities[key] == nil {
            priorities[key] = Int64(chooser.choose(among: 1 << 20)) + 1
        }
        var best = place(of: keys)
        while let change = changePoints.firstIndex(where: { $0.step == step }) {
            priorities[keys[best]] = changePoints.remove(at: change).label
            best = place(of: keys)
        }
        return best
    }

    private func place(of keys: [Key]) -> Int {
        keys.indices.max { (priorities[keys[$0]] ?? 0, -$0) < (priorities[keys[$1]] ?? 0, -$1) } ?? 0
    }
}
