import ArgumentParser
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
            return "\(name)  \(id.summary)" + (id.isNegativeControl ? " [negative control]" : "")
        }
    }
}

extension StrategyID {
    /// What the strategy does, in one line.
    var summary: String {
        switch self {
        case .unguarded: "reads the stock, then writes it, without a lock: must be caught overselling"
        case .setnxSpin: "SET NX with a lease on one Redis, asked again at a fixed interval"
        case .setnxBackoff: "SET NX with a lease on one Redis, exponential backoff with full jitter"
        case .luaAtomic: "no lock: one script checks and takes the units in one atomic step"
        case .redlock: "SET NX with a lease on the majority of five independent Redis nodes"
        }
    }
}

extension String {
    /// Filled with spaces on the right, for columns of a terminal.
    func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
