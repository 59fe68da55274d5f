import BenchModel
import BenchResults
import Exploration
import LockStrategies

/// What `lab-bench explore` was asked for.
struct ExplorePlan: Sendable {
    /// How long each cell is explored.
    enum Length: Sendable, Equatable {
        /// So many schedules of each.
        case schedules(Int)
        /// All cells together take so long.
        case time(Duration)
    }

    let cells: [SchedulePlan]
    let seed: UInt64
    let length: Length
    let orders: Explorer.Orders
    /// When all has to be over.
    let end: ContinuousClock.Instant?
    /// Asks for the same again.
    let command: String

    /// - Throws: ``BenchError`` with `.badInput`, in one sentence.
    init(
        strategies: String?, faults: String?, seed: String?, schedules: Int?, duration: String?,
        order: String,
        level: String?
    ) throws(BenchError) {
        let registry = StrategyRegistry.builtIn
        let entries = try FaultPlan.list(strategies, "--strategies", all: registry.entries) {
            registry.entry(named: $0)
        } complaint: {
            registry.complaint(about: $0)
        }
        let broken = try FaultPlan.list(faults, "--faults", all: WorldFault.allCases) {
            WorldFault(rawValue: $0)
        } complaint: {
            FaultPlan.complaint(about: $0, known: WorldFault.allCases.map(\.rawValue))
        }
        guard let orders = Explorer.Orders(rawValue: order) else {
            throw BenchError(.badInput, "--order is uniform, pct, both or all, not \(order)")
        }
        let levels = try Self.levels(level, orders)
        self.orders = orders
        if orders == .all, faults != nil, let fault = broken.first(where: { !$0.strikesOnce }) {
            throw BenchError(
                .badInput,
                "--order all goes through worlds in which a fault strikes once; \(fault.rawValue) is none")
        }
        cells = levels.flatMap { level in
            entries.flatMap { entry in
                broken.filter {
                    $0.obstacle(for: entry, at: level) == nil && (orders != .all || $0.strikesOnce)
                }.map { orders == .all ? SchedulePlan(entry, $0).small : SchedulePlan(entry, $0, at: level) }
            }
        }
        try Self.check(
            entries, broken, levels, strategiesAreNamed: strategies != nil, faultsAreNamed: faults != nil)
        self.seed = try Self.seed(seed)
        if schedules != nil, duration != nil {
            throw BenchError(.badInput, "--schedules and --for cannot both be given")
        }
        if let schedules, !(1...1_000_000_000).contains(schedules) {
            throw BenchError(.badInput, "--schedules is a number from 1 to 1000000000, not \(schedules)")
        }
        if let duration {
            let time = try FaultPlan.time(duration, of: "--for")
            length = .time(time)
            end = .now + time
        } else {
            length = .schedules(schedules ?? (orders == .all ? 200_000 : 1_000))
            end = nil
        }
        var words = ["lab-bench explore"]
        if strategies != nil { words.append("--strategies " + entries.map(\.name).joined(separator: ",")) }
        if faults != nil { words.append("--faults " + broken.map(\.rawValue).joined(separator: ",")) }
        if let level { words.append("--level \(level)") }
        words.append("--seed \(self.seed) --order \(order)")
        if let schedules { words.append("--schedules \(schedules)") }
        if let duration { words.append("--for \(duration)") }
        command = words.joined(separator: " ")
    }

    private static func seed(_ text: String?) throws(BenchError) -> UInt64 {
        guard let text else { return .random(in: 0..<1_000_000_000_000) }
        guard let number = UInt64(text), number <= UInt64(Int64.max) else {
            throw BenchError(.badInput, "--seed is a whole number from 0 to \(Int64.max), not \(text)")
        }
        return number
    }

    private static func levels(
        _ level: String?, _ orders: Explorer.Orders
    ) throws(BenchError) -> [FaultLevel] {
        guard let level else { return orders == .all ? [.strategy] : FaultLevel.allCases }
        guard let one = FaultLevel(rawValue: level) else {
            throw BenchError(.badInput, "--level is strategy or service, not \(level)")
        }
        if orders == .all, one == .service {
            throw BenchError(.badInput, "--order all is for --level strategy: a server has too many orders")
        }
        return [one]
    }

    /// Somebody who names something wants to see it.
    private static func check(
        _ entries: [StrategyEntry], _ faults: [WorldFault], _ levels: [FaultLevel], strategiesAreNamed: Bool,
        faultsAreNamed: Bool
    ) throws(BenchError) {
        if strategiesAreNamed {
            for entry in entries {
                let obstacles = levels.flatMap { level in faults.map { $0.obstacle(for: entry, at: level) } }
                guard let first = obstacles.first, !obstacles.contains(nil) else { continue }
                throw BenchError(.badInput, first ?? "nothing was named")
            }
        }
        if faultsAreNamed {
            for fault in faults {
                let obstacles = levels.flatMap { level in entries.map { fault.obstacle(for: $0, at: level) } }
                guard let first = obstacles.first, !obstacles.contains(nil) else { continue }
                throw BenchError(
                    .badInput,
                    "\(fault.rawValue) cannot strike what was asked for: \(first ?? "nothing was named")")
            }
        }
    }
}
