import BenchModel
import BenchResults
import Foundation
import LockConformance
import LockStrategies

/// What `lab-bench conformance` was asked for.
struct ConformancePlan: Sendable {
    let clauses: [Clause]
    /// In the order of the report: strategies with a lock and without one, then drivers.
    let strategies: [StrategyEntry]
    let drivers: [DriverUnderTest]

    /// Starts each driver once, to hear what it says of itself.
    ///
    /// - Throws: ``BenchError`` with `.badInput`, in one sentence, and `.unreachable` without Redis.
    init(
        strategies: String?, drivers: [String], clauses: String?
    ) async throws(BenchError) {
        let registry = LabBench.strategies
        // Who brings a lock and names no other wants to see that one.
        let all = drivers.isEmpty || strategies != nil ? registry.entries : []
        self.strategies = try FaultPlan.list(strategies, "--strategies", all: all) {
            registry.entry(named: $0)
        } complaint: {
            registry.complaint(about: $0)
        }
        if strategies != nil, let beside = self.strategies.first(where: \.needsPostgres) {
            throw BenchError(.badInput, "\(beside) cannot be judged: \(Self.reason(beside))")
        }
        self.clauses = try FaultPlan.list(clauses, "--clauses", all: Clause.all) {
            Clause.named($0)
        } complaint: { name in
            let known = Clause.all.map(\.id)
            let meant = NearName.suggestion(for: name, among: known).map { "did you mean \($0)? " } ?? ""
            return "unknown clause \"\(name)\": \(meant)Known are \(known.joined(separator: ", "))"
        }
        var found: [DriverUnderTest] = []
        for text in drivers {
            let driver = try await DriverUnderTest.find(text)
            let isTaken =
                found.contains { $0.id == driver.id } || registry.entry(named: driver.id.rawValue) != nil
            guard !isTaken else {
                throw BenchError(
                    .badInput,
                    "--driver \(driver.id): there is a lock of this name already; choose another one")
            }
            found.append(driver)
        }
        self.drivers = found
    }

    /// Locks that clauses are about.
    var locks: [LockUnderTest] { strategies.compactMap { LockUnderTest($0) } + drivers.map(\.lock) }

    var notes: [ConformanceResults.LockNote] {
        strategies.map { entry in
            let lock = LockUnderTest(entry)
            return .init(
                id: entry.name, kind: entry.traits.takesLock ? .strategy : .lockFree,
                summary: entry.traits.summary, abilities: Self.names(lock?.abilities ?? []))
        }
            + drivers.map { driver in
                .init(
                    id: driver.id.rawValue, kind: .driver, summary: driver.summary,
                    abilities: Self.names(driver.lock.abilities))
            }
    }

    private static func names(_ abilities: Set<LockUnderTest.Ability>) -> [String] {
        LockUnderTest.Ability.allCases.filter { abilities.contains($0) }.map(\.rawValue)
    }

    private static func reason(_ entry: StrategyEntry) -> String {
        entry.needsPostgres
            ? "it takes its lock in PostgreSQL, and the clauses start none" : "it takes no lock"
    }

    /// Findings of strategies without a lock that a clause can reach: none of the clauses is about them.
    var lockFree: [ConformanceResults.Finding] {
        strategies.filter { LockUnderTest($0) == nil }.flatMap { entry in
            clauses.map { clause in
                .init(
                    lock: entry.name, clause: clause.id, verdict: .notApplicable, reason: Self.reason(entry),
                    tookMs: 0, steps: [], command: command([entry.name], [], [clause]))
            }
        }
    }

    /// Asks for the same again.
    var command: String { command(strategies.map(\.name), drivers, clauses) }

    func record(_ finding: Finding) -> ConformanceResults.Finding {
        let driver = drivers.first { $0.id.rawValue == finding.lock }
        return .init(
            lock: finding.lock, clause: finding.clause.id,
            verdict: .init(rawValue: finding.verdict.rawValue) ?? .unknown, reason: finding.reason,
            tookMs: finding.took / .milliseconds(1),
            steps: finding.steps.map { step in
                .init(
                    atMs: step.at / .milliseconds(1), tookMs: step.took / .milliseconds(1), who: step.who,
                    what: step.what, result: step.result)
            },
            command: command(
                driver == nil ? [finding.lock] : [], driver.map { [$0] } ?? [], [finding.clause]))
    }

    private func command(
        _ strategies: [String], _ drivers: [DriverUnderTest], _ clauses: [Clause]
    ) -> String {
        var words = ["\(LabBench.name) conformance"]
        let isAll = strategies.count == LabBench.strategies.entries.count && drivers.isEmpty
        if !strategies.isEmpty && !isAll { words.append("--strategies " + strategies.joined(separator: ",")) }
        // A command line may hold what nobody else should read.
        for driver in drivers { words.append("--driver \(driver.id)=COMMAND") }
        if clauses.count < Clause.all.count {
            words.append("--clauses " + clauses.map(\.id).joined(separator: ","))
        }
        return words.joined(separator: " ")
    }
}
