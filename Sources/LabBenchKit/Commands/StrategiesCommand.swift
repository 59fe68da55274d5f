import ArgumentParser
import BenchModel
import LabProcesses
import LockStrategies

/// `lab-bench strategies`: the list.
struct StrategiesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strategies", abstract: "Lists the strategies.")

    func run() throws {
        try StandardStream.output.write(Self.lines.map { $0 + "\n" }.joined())
    }

    static var lines: [String] {
        let registry = LabBench.strategies
        let width = registry.names.map(\.count).max() ?? 0
        return registry.entries.map { entry in
            let name = entry.name.padding(to: width)
            return "\(name)  \(entry.traits.summary)"
                + (entry.isNegativeControl ? " [negative control]" : "")
        }
    }
}
