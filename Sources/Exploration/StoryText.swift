package import BenchResults
import Simulation

/// The story of a schedule as text: who did what when.
package struct StoryText {
    private let schedule: Schedule

    package init(_ schedule: Schedule) { self.schedule = schedule }

    /// What somebody repeats without a change in between is one step.
    package var told: [ExploreStory.Step] {
        var steps: [(line: StoryLine, times: Int)] = []
        for line in schedule.story {
            if let last = steps.last, last.line.who == line.who, Self.isSame(last.line.text, line.text) {
                steps[steps.count - 1].times += 1
            } else {
                steps.append((line, 1))
            }
        }
        return steps.map { step in
            ExploreStory.Step(
                atUs: step.line.at / 1_000, who: Self.name(step.line.who), text: step.line.text,
                times: step.times)
        }
    }

    /// A line for each step.
    package var steps: [String] { told.map(\.line) }

    /// Words that differ in a token alone: a lock that is asked for with a new one each time.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        one == other
            || one.split(separator: " ").filter { !$0.hasSuffix("…") }
                == other.split(separator: " ").filter { !$0.hasSuffix("…") }
    }

    package var text: String {
        (steps.map { "    " + $0 } + schedule.findings.map { "    => " + $0 }).joined(separator: "\n")
    }

    private static func name(_ who: StoryLine.Who) -> String {
        switch who {
        case .process(let number): "process \(number)"
        case .node(let number): number == 0 ? "redis" : "node \(number)"
        case .world: "world"
        }
    }
}
