import BenchModel
import BenchResults
import FaultAudit
import Foundation
import LockStrategies
import Testing

/// docs/SAFETY.md and the README say what the run says that they name.
@Suite("What the pages say of safety")
struct SafetyPageTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: root.appending(path: name), encoding: .utf8)
    }

    /// The run that the page links.
    private static func results() throws -> FaultResults {
        let page = try text("docs/SAFETY.md")
        let link = try #require(page.firstMatch(of: #/\(\.\./(results/[^)]*/faults\.json)\)/#))
        return try FaultResults.decode(try Data(contentsOf: root.appending(path: String(link.1))))
    }

    private static func broken(_ strategy: String, _ level: FaultLevel, _ results: FaultResults) -> [String] {
        results.faults.map(\.id).filter { fault in
            results.cells.contains {
                $0.strategy == strategy && $0.fault == fault && $0.level == level && $0.verdict == .violated
            }
        }
    }

    private static func row(_ name: String, in page: String) throws -> [String] {
        let line = page.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") }
        return try #require(line).split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test("is what came out, for every strategy at both levels")
    func safety() throws {
        let (page, results) = (try Self.text("docs/SAFETY.md"), try Self.results())
        for strategy in StrategyRegistry.builtIn.names {
            let row = try Self.row(strategy, in: page)
            for (level, cell) in [(FaultLevel.strategy, row[1]), (.service, row[2])] {
                let found = Self.broken(strategy, level, results)
                let isThere = results.cells.contains { $0.strategy == strategy && $0.level == level }
                #expect(cell == found.joined(separator: ", ") || found.isEmpty)
                guard found.isEmpty else { continue }
                #expect(isThere ? cell == "nothing" : cell.hasPrefix("not run"), "\(strategy)")
            }
        }
        #expect(page.contains("\(results.cells.count) cells") && page.contains(results.run.command))
    }

    /// The explorations that the page links.
    private static func explorations() throws -> [ExploreResults] {
        try text("docs/SAFETY.md").matches(of: #/\(\.\./(results/[^)]*/explore\.json)\)/#).map {
            try ExploreResults.decode(try Data(contentsOf: root.appending(path: String($0.output.1))))
        }
    }

    /// Schedules of the cells that theory calls safe and in which nothing was violated.
    private static func held(_ strategy: String, _ level: FaultLevel, _ all: [ExploreResults]) -> Int {
        all.flatMap(\.cells).filter {
            $0.strategy == strategy && $0.level == level && $0.theory == .safe && $0.violated == 0
        }.reduce(0) { $0 + $1.schedules }
    }

    @Test("says in how many simulated schedules each strategy held, and all are as theory says")
    func explored() throws {
        let (page, all) = (try Self.text("docs/SAFETY.md"), try Self.explorations())
        #expect(!all.isEmpty)
        #expect(all.flatMap(\.cells).allSatisfy { $0.judgement == .asExpected })
        // No schedule is counted twice.
        let seeds = all.flatMap { run in
            run.cells.map {
                ("\($0.strategy) \($0.fault) \($0.level)", run.run.seed..<run.run.seed + UInt64($0.schedules))
            }
        }
        for (cell, ranges) in Dictionary(grouping: seeds, by: \.0) {
            let sorted = ranges.map(\.1).sorted { $0.lowerBound < $1.lowerBound }
            #expect(zip(sorted, sorted.dropFirst()).allSatisfy { !$0.overlaps($1) }, "\(cell)")
        }
        for strategy in StrategyRegistry.builtIn.names {
            let numbers = [(FaultLevel.strategy, "alone"), (.service, "in the service")].compactMap {
                let count = Self.held(strategy, $0.0, all)
                return count == 0 ? nil : "\(Text.grouped(count)) \($0.1)"
            }
            let cell = try Self.row(strategy, in: page)[3]
            #expect(cell == numbers.joined(separator: ", "), "\(strategy)")
        }
        for run in all.map(\.run) {
            let commit = try #require(run.gitCommit).prefix(7)
            #expect(page.contains(run.command) && page.contains(commit))
        }
    }

    @Test("stands in the README too, for the strategies that it advises")
    func readme() throws {
        let (page, results) = (try Self.text("README.md"), try Self.results())
        let lines = page.split(separator: "\n").map(String.init)
        let head = try #require(lines.firstIndex { $0.contains("breaks under") })
        var advised = 0
        for line in lines[(head + 2)...].prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let names = StrategyRegistry.builtIn.names.filter { cells[1].contains("`\($0)`") }
            let name = try #require(names.first)
            let found = Self.broken(name, .strategy, results)
            let losing = ["kill-redis-empty", "failover-lost-write", "power-cut"]
            #expect(cells[2].contains("a Redis that loses writes") == found.contains(losing[0]), "\(name)")
            for fault in results.faults.map(\.id) where !losing.contains(fault) {
                #expect(cells[2].contains("`\(fault)`") == found.contains(fault), "\(name): \(fault)")
            }
            advised += 1
        }
        #expect(advised == 4)
    }
}
