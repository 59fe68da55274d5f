import BenchAudit
import BenchModel
import BenchResults
import LockStrategies
import Testing

@testable import BenchRun

@Suite("Equal conditions")
struct EqualConditionsTests {
    private func states(_ all: [[String: String]]) -> [Check] {
        EqualConditions.checks(all.map { EqualConditions(values: $0) })
    }

    @Test("pass when every trial has the same of what applies to it")
    func equal() {
        let lock = ["lease (ms)": "10,000", "appendfsync": "everysec"]
        #expect(states([lock, ["appendfsync": "everysec"], lock]).allSatisfy { $0.state == .pass })
    }

    @Test(
        "fail in the trial that had it easier, with both values",
        arguments: ["lease (ms)", "retry budget", "critical section", "appendfsync", "journal"])
    func different(name: String) {
        let checks = states([[name: "a", "SQLite": "3"], [name: "b", "SQLite": "3"], ["SQLite": "3"]])
        #expect(checks.map(\.state) == [.pass, .fail, .pass])
        #expect(checks[1].value == "\(name): b, not a")
    }

    @Test("are unknown where nothing could be read")
    func unread() {
        #expect(states([["SQLite": "3"], [:]]).map(\.state) == [.pass, .unknown])
    }

    @Test("hold for all built-in strategies, in one run")
    func allBuiltIn() throws {
        let names = StrategyRegistry.builtIn.names.joined(separator: ",")
        let plan = try RunResultsTests.plan(names, database: "postgres")
        let results = RunResultsTests.results(plan, RunResultsTests.trials(plan))
        let checks = results.trials.flatMap(\.checks).filter { $0.id == "equal-conditions" }
        #expect(checks.count == results.trials.count)
        #expect(checks.allSatisfy { $0.state == .pass }, "\(checks)")
    }

    @Test("make the run invalid when a trial's server had other settings")
    func otherServer() throws {
        let plan = try RunResultsTests.plan("lua-atomic")
        var trials = RunResultsTests.trials(plan)
        let odd = trials[1]
        trials[1] = FinishedTrial(
            planned: odd.planned, record: odd.record, facts: odd.facts, checks: odd.checks, cost: odd.cost,
            serverArguments: ["serve", "--purchase-deadline-ms", "60000"], redisSystem: nil,
            sqliteVersion: odd.sqliteVersion, journalMode: odd.journalMode)
        let results = RunResultsTests.results(plan, trials)
        #expect(results.verdict.exit == .invalid)
        #expect(results.strategies[0].failedChecks == [.init(kind: .measurement, id: "equal-conditions")])
    }
}
