import Simulation

/// The story of a schedule as text: who did what when.
package struct StoryText {
    private let schedule: Schedule

    package init(_ schedule: Schedule) { self.schedule = schedule }

    /// A line for each step. What somebody repeats without a change in between is one step.
    package var steps: [String] {
        var steps: [(line: StoryLine, times: Int)] = []
        for line in schedule.story {
            if let last = steps.last, last.line.who == line.who, Self.isSame(last.line.text, line.text) {
                steps[steps.count - 1].times += 1
            } else {
                steps.append((line, 1))
            }
        }
        return steps.map { step in
            let times = step.times > 1 ? " (\(step.times) times)" : ""
            return "\(Self.time(step.line.at)) ms  \(Self.name(step.line.who))  \(step.line.text)\(times)"
        }
    }

    /// Words that differ in a token alone: a lock that is asked for with a new one each time.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        one == other
            || one.split(separator: " ").filter { !$0.hasSuffix("…") }
                == other.split(separator: " ").filter { !$0.hasSuffix("…") }
    }

    package var text: String {
        (steps.map { "    " + $0 } + schedule.findings.map { "    => " + $0 }).joined(separator: "\n")
    }

    private static func time(_ moment: World.Moment) -> String {
        let micros = moment / 1_000
        let fraction = String(micros % 1_000)
        let text = "\(micros / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
        return String(repeating: " ", count: max(0, 9 - text.count)) + text
    }

    private static func name(_ who: StoryLine.Who) -> String {
        switch who {
        case .process(let number): "process \(number)"
        case .node(let number): number == 0 ? "redis    " : "node \(number)   "
        case .world: "world    "
        }
    }
}
