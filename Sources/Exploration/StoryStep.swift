import BenchResults
import Simulation

/// Lines of a story that are told as one.
struct StoryStep {
    let first: StoryLine
    var times = 1
    /// What each node answered, and which nodes answered it.
    private var answers: [(answer: String?, nodes: [Int])]
    /// Further nodes that it happened to.
    private var others: [Int] = []
    /// Processes that lost their connection to a node by it.
    private var cut: [Int] = []

    init(_ line: StoryLine) {
        first = line
        answers = [(line.answer, line.node.map { [$0] } ?? [])]
    }

    /// The same again: words that differ in a token alone, as of a lock that is asked for with a new one
    /// each time.
    func isRepeated(by line: StoryLine) -> Bool {
        isAlone && first.who == line.who && first.node == line.node
            && Self.withoutTokens(first) == Self.withoutTokens(line)
    }

    /// Whether the line says the same of another node, or what came of it at the same moment.
    func isTold(also line: StoryLine) -> Bool {
        if times == 1, isEnd(of: line) { return true }
        guard times == 1, first.text == line.text else { return false }
        switch (first.who, line.who) {
        case (.process(let one), .process(let other)):
            guard one == other, let node = line.node else { return false }
            return first.node != nil && !answers.contains { $0.nodes.contains(node) }
        case (.node(let one), .node(let other)):
            return first.at == line.at && one != other && !others.contains(other)
        default: return false
        }
    }

    /// Whether a process lost its connection because this node ended.
    private func isEnd(of line: StoryLine) -> Bool {
        guard case .node(let one) = first.who, case .process = line.who, line.at == first.at else {
            return false
        }
        return line.isLossByEnd && ([one] + others).contains(line.node ?? 0)
    }

    mutating func take(_ line: StoryLine) {
        if isEnd(of: line), case .process(let number) = line.who {
            if !cut.contains(number) { cut.append(number) }
        } else if case .node(let number) = line.who {
            others.append(number)
        } else if let node = line.node {
            if let place = answers.firstIndex(where: { $0.answer == line.answer }) {
                answers[place].nodes.append(node)
            } else {
                answers.append((line.answer, [node]))
            }
        }
    }

    var told: ExploreStory.Step {
        ExploreStory.Step(atUs: first.at / 1_000, who: name, text: text, times: times)
    }

    private var isAlone: Bool { answers.count == 1 && answers[0].nodes.count <= 1 && others.isEmpty }

    private var text: String {
        let answered = answers.map { answer, nodes in
            [answer, nodes.isEmpty ? nil : "at \(Self.nodes(nodes))"].compactMap(\.self).joined(
                separator: " ")
        }
        let arrow = first.answer == nil ? " " : " -> "
        let words = answered == [""] ? first.text : first.text + arrow + answered.joined(separator: "; ")
        return words + (others.isEmpty ? "" : ", and with it \(Self.nodes(others))") + losses
    }

    private var losses: String {
        let numbers = cut.sorted().map(String.init).joined(separator: ", ")
        return switch cut.count {
        case 0: ""
        case 1: "; process \(numbers) loses its connection"
        default: "; processes \(numbers) lose their connections"
        }
    }

    private var name: String {
        switch first.who {
        case .process(let number): "process \(number)"
        case .node(let number): number == 0 ? "redis" : "node \(number)"
        case .world: "world"
        }
    }

    private static func nodes(_ numbers: [Int]) -> String {
        (numbers.count == 1 ? "node " : "nodes ") + numbers.map(String.init).joined(separator: ", ")
    }

    private static func withoutTokens(_ line: StoryLine) -> [Substring] {
        (line.text + " " + (line.answer ?? "")).split(separator: " ").filter { !$0.hasSuffix("…") }
    }
}

extension StoryLine {
    /// Something broke, or came back.
    var isStrike: Bool {
        if case .node = who { return true }
        return (node != nil && answer == nil) || isLossByEnd
    }

    /// A process lost its connection because the server at its other end ended.
    var isLossByEnd: Bool { answer == nil && text == "loses its connection (\(SimulatedNode.ended))" }
}
