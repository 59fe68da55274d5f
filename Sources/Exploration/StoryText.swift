package import BenchResults
import Simulation

/// The story of a schedule as text: who did what when.
package struct StoryText {
    private let schedule: Schedule

    package init(_ schedule: Schedule) { self.schedule = schedule }

    /// What somebody repeats without a change in between is one step; so is a question that goes to several
    /// nodes in a row, and a fault that strikes several nodes at one moment, with the connections that end
    /// by it.
    package var told: [ExploreStory.Step] {
        var steps: [StoryStep] = []
        for line in schedule.story {
            if let last = steps.last, last.isRepeated(by: line) {
                steps[steps.count - 1].times += 1
            } else if let place = place(of: line, in: steps) {
                steps[place].take(line)
            } else {
                steps.append(StoryStep(line))
            }
        }
        return steps.map(\.told)
    }

    /// The step that this line is a part of: the last one, or one that broke something at the same moment.
    private func place(of line: StoryLine, in steps: [StoryStep]) -> Int? {
        var place = steps.count - 1
        while place >= 0, !steps[place].isTold(also: line) {
            guard line.isStrike, steps[place].first.isStrike, steps[place].first.at == line.at else {
                return nil
            }
            place -= 1
        }
        return place >= 0 ? place : nil
    }

    /// A line for each step.
    package var steps: [String] { told.map(\.line) }

    package var text: String {
        (steps.map { "    " + $0 } + schedule.findings.map { "    => " + $0 }).joined(separator: "\n")
    }
}
