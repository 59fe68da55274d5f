import BenchModel
import BenchResults
import BenchRun
import FaultInjection
import FaultLab
import Foundation
import LockStrategies

/// What `lab-bench faults` was asked for.
struct FaultPlan: Sendable {
    /// Those of drivers last.
    let strategies: [StrategyEntry]
    let faults: [Fault]
    let levels: [FaultLevel]
    let matrix: Matrix
    let budget: Duration
    /// At the level of the service.
    let servers: Int
    /// Asks for the same again.
    let command: String

    /// The longest time that a run may take: beyond it numbers are no times any more.
    private static let longest = Duration.seconds(7 * 86_400)

    /// - Throws: ``BenchError`` with `.badInput`, in one sentence.
    init(
        strategies: String?, faults faultNames: String?, level: String?, seed: UInt64, seeds: Int,
        budget: String?, drivers: [PlannedDriver] = [], mustHold: String? = nil, servers: Int = 1
    ) throws(BenchError) {
        levels = try Self.levels(level, servers: servers)
        self.servers = servers
        let registry = LabBench.strategies
        // Who brings a lock and names no other wants to see that one.
        let all = drivers.isEmpty || strategies != nil ? registry.entries : []
        let named = try Self.list(strategies, "--strategies", all: all) {
            registry.entry(named: $0)
        } complaint: {
            registry.complaint(about: $0)
        }
        do throws(StrategyConfigurationError) {
            _ = try registry.adding(drivers.map(\.entry))
        } catch {
            throw BenchError(.badInput, "--driver: \(error)")
        }
        self.faults = try Self.faults(faultNames, "--faults", servers: servers)
        guard mustHold == nil || !drivers.isEmpty else {
            throw BenchError(.badInput, "--must-hold is about a --driver, and there is none")
        }
        let held = Set(mustHold == nil ? [] : try Self.faults(mustHold, "--must-hold"))
        let underFaults = drivers.map { FaultDriver($0, mustHold: held) }
        self.strategies = named + drivers.map(\.entry)
        guard (1...20).contains(seeds) else {
            throw BenchError(.badInput, "--seeds is a number from 1 to 20, not \(seeds)")
        }
        matrix = Matrix(
            strategies: named, faults: self.faults, levels: levels, seed: seed, seeds: seeds,
            drivers: underFaults, servers: servers, program: LabBench.name)
        try Self.check(faultNames == nil ? [] : self.faults, matrix)
        let expected = matrix.expectedTime
        self.budget = try budget.map { text throws(BenchError) in try Self.time(text) } ?? expected * 2
        var words = ["\(LabBench.name) faults"]
        if strategies != nil {
            words.append("--strategies " + named.map(\.name).joined(separator: ","))
        }
        for driver in drivers { words.append("--driver \(driver.id)=COMMAND") }
        if let mustHold { words.append("--must-hold \(mustHold)") }
        if faultNames != nil {
            words.append("--faults " + self.faults.map(\.rawValue).joined(separator: ","))
        }
        if let level { words.append("--level \(level)") }
        if servers > 1 { words.append("--servers \(servers)") }
        words.append("--seed \(seed)")
        if seeds > 1 { words.append("--seeds \(seeds)") }
        if let budget { words.append("--budget \(budget)") }
        command = words.joined(separator: " ")
    }

    /// So many fit on a machine of two cores.
    static let serverCounts = 1...4

    private static func levels(_ level: String?, servers: Int) throws(BenchError) -> [FaultLevel] {
        guard serverCounts.contains(servers) else {
            throw BenchError(
                .badInput,
                "--servers is a number from \(serverCounts.lowerBound) to \(serverCounts.upperBound), not \(servers)"
            )
        }
        guard let level else { return servers > 1 ? [.service] : FaultLevel.allCases }
        guard let one = FaultLevel(rawValue: level) else {
            throw BenchError(.badInput, "--level is strategy or service, not \(level)")
        }
        guard one == .service || servers == 1 else {
            throw BenchError(
                .badInput, "--servers is for --level service: at the level of the strategy there is no server"
            )
        }
        return [one]
    }

    /// All that are not of several servers, unless there are several.
    private static func faults(
        _ text: String?, _ option: String, servers: Int = 1
    ) throws(BenchError) -> [Fault] {
        let all = Fault.allCases.filter { servers > 1 || !$0.isOfSeveralServers }
        return try list(text, option, all: all) {
            Fault(rawValue: $0)
        } complaint: {
            complaint(about: $0)
        }
    }

    /// Somebody who names a fault wants to see it strike.
    private static func check(_ faults: [Fault], _ matrix: Matrix) throws(BenchError) {
        for fault in faults where !matrix.cells.contains(where: { $0.fault == fault }) {
            let reasons = matrix.notApplicable.filter { $0.fault == fault.rawValue }.map(\.why)
            // The level of the service comes last, and there it can strike.
            let why = (fault.isOfSeveralServers ? reasons.last : reasons.first) ?? "nothing was named"
            throw BenchError(.badInput, "\(fault.rawValue) cannot strike what was asked for: \(why)")
        }
        guard matrix.cells.isEmpty else { return }
        let why = matrix.notApplicable.first?.why ?? "nothing was named"
        throw BenchError(.badInput, "no fault can strike what was asked for: \(why)")
    }

    /// The entries of a comma-separated list; all where none is given.
    static func list<Entry: Equatable>(
        _ text: String?, _ option: String, all: [Entry], find: (String) -> Entry?,
        complaint: (String) -> String
    ) throws(BenchError) -> [Entry] {
        guard let text else { return all }
        var entries: [Entry] = []
        for name in text.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) })
        where !name.isEmpty {
            guard let entry = find(name) else { throw BenchError(.badInput, complaint(name)) }
            if !entries.contains(entry) { entries.append(entry) }
        }
        guard !entries.isEmpty else { throw BenchError(.badInput, "\(option) names nothing") }
        return entries
    }

    private static func complaint(about name: String) -> String { complaint(about: name, known: Fault.names) }

    static func complaint(about name: String, known: [String]) -> String {
        let meant = NearName.suggestion(for: name, among: known).map { "did you mean \($0)? " } ?? ""
        return "unknown fault \"\(name)\": \(meant)Known are \(known.joined(separator: ", "))"
    }

    /// `90s`, `30m`, `2h`; a bare number is seconds.
    static func time(_ text: String, of option: String = "--budget") throws(BenchError) -> Duration {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
        let unit = text.last.flatMap { units[$0] }
        let number = Double(unit == nil ? Substring(text) : text.dropLast())
        guard let number, number.isFinite, number > 0,
            number * (unit ?? 1) <= Self.longest / .seconds(1)
        else { throw BenchError(.badInput, "\(option) is a time such as 90s, 30m or 2h, not \(text)") }
        return .seconds(number * (unit ?? 1))
    }
}
