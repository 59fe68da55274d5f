import ArgumentParser
import BenchModel
import LockStrategies

/// `lab-bench strategies`: the list.
struct StrategiesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strategies", abstract: "Lists the strategies.")

    func run() {
        for line in Self.lines { print(line) }
    }

    static var lines: [String] {
        let width = StrategyID.allCases.map(\.rawValue.count).max() ?? 0
        return StrategyID.allCases.map { id in
            let name = id.rawValue.padding(to: width)
            return "\(name)  \(id.traits.summary)" + (id.isNegativeControl ? " [negative control]" : "")
        }
    }
}
