import Foundation
import LockStrategies
import NIOCore
import Testing

@testable import lab_bench

@Suite("The results of a run")
struct RunResultsTests {
    static let environment = EnvironmentInfo(
        host: "test", os: "Test OS", kernel: "1", cpu: "a CPU", cores: 2, memoryMib: 1024, governor: nil,
        virtualisation: nil, loadBefore: 0.5, swift: "6.3", buildMode: "release", gitCommit: nil)

    static func plan(_ strategies: String, rounds: Int = 2, mode: RunMode = .http) throws -> RunPlan {
        try RunPlan(
            RunOptions(mode: mode.rawValue, strategies: strategies, users: 2, duration: 1, rounds: rounds),
            seed: 1)
    }

    /// Finished trials of everything that is planned, changed by the test.
    static func trials(
        _ plan: RunPlan, change: (PlannedTrial, inout AuditFacts) -> Void = { _, _ in }
    ) -> [FinishedTrial] {
        plan.schedule.map { planned in
            let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
            var record = LoadRecord(
                schedule: LoadSchedule(start: start, warmup: .zero, duration: .seconds(1), drain: .zero),
                users: 2)
            for step in 0..<Int64(100) {
                for user in 0..<2 {
                    let sent = start + .milliseconds(step * 10)
                    record.add(
                        user: user, sent: sent, done: sent + .milliseconds(10), outcome: .success,
                        timing: ServerTiming(parsing: "wait;dur=1, hold;dur=2"))
                }
            }
            var facts = AuditFacts(
                planned, record, ledger: nil, stock: nil, serverEnd: "exit code 0", serverEndedWell: true)
            facts.ledger = .init(rows: 200, units: 200, duplicates: 0, supplied: planned.stock, sold: 200)
            facts.redis = .init(stock: planned.stock - 200)
            // The control's fault: a decrement that was lost.
            if planned.isControl { facts.redis?.stock += 50 }
            change(planned, &facts)
            return FinishedTrial(
                planned: planned, record: record, facts: facts, checks: Audit.checks(facts),
                cost: LoadCost(bench: 0.1, server: 0.2, redis: nil), serverArguments: ["serve"],
                redisSystem: nil, sqliteVersion: "3", journalMode: "wal")
        }
    }

    static func results(
        _ plan: RunPlan, _ trials: [FinishedTrial], end: RunEnd = .complete
    ) -> RunResults {
        RunResults(
            plan: plan, trials: trials, end: end, started: Date(timeIntervalSince1970: 0),
            ended: Date(timeIntervalSince1970: 60), environment: environment)
    }

    @Test("are good when everything closes and the control was caught")
    func good() throws {
        let plan = try Self.plan("unguarded,lua-atomic,setnx-spin")
        let results = Self.results(plan, Self.trials(plan))
        #expect(results.verdict.exit == .good)
        #expect(results.controls.map(\.caughtBy) == [["stock-is-conserved"]])
        #expect(results.strategies.map(\.id) == ["lua-atomic", "setnx-spin"])
        #expect(results.strategies.map(\.isRanked) == [true, true])
    }

    @Test("are a violation when a real strategy oversells, and it is not ranked")
    func violation() throws {
        let plan = try Self.plan("unguarded,lua-atomic,setnx-spin")
        let results = Self.results(
            plan,
            Self.trials(plan) { planned, facts in
                if planned.strategy == .setnxSpin && planned.block == 2 { facts.answers.oversellRefused = 1 }
            })
        #expect(results.verdict.exit == .violation)
        #expect(results.verdict.sentence.contains("setnx-spin"))
        #expect(results.strategies.map(\.isRanked) == [true, false])
        #expect(results.strategies.last?.targets.last?.isMet == false)
    }

    @Test("are invalid when the control was not caught")
    func controlMissed() throws {
        let plan = try Self.plan("unguarded,lua-atomic")
        let results = Self.results(
            plan,
            Self.trials(plan) { planned, facts in
                if planned.isControl { facts.redis?.stock -= 50 }
            })
        #expect(results.verdict.exit == .invalid)
    }

    @Test("are invalid when a check of the measurement failed, and inconclusive when one could not be made")
    func measurement() throws {
        let plan = try Self.plan("lua-atomic")
        let bad = Self.results(plan, Self.trials(plan) { _, facts in facts.busyShare = 0.5 })
        #expect(bad.verdict.exit == .invalid)
        let unread = Self.results(plan, Self.trials(plan) { _, facts in facts.ledger = nil })
        #expect(unread.verdict.exit == .inconclusive)
        #expect(unread.strategies.first?.isRanked == false)
        #expect(unread.strategies.first?.stockWord == "unknown")
    }

    @Test("say when they are partial")
    func partial() throws {
        let plan = try Self.plan("lua-atomic,setnx-spin")
        let results = Self.results(plan, Array(Self.trials(plan).prefix(1)), end: .interrupted)
        #expect(results.verdict.exit == .interrupted)
        #expect(results.run.status == "interrupted")
        #expect(MarkdownReport(results).text.contains("everything below is partial"))
        let none = Self.results(plan, [], end: .interrupted)
        #expect(none.verdict.exit == .interrupted)
        #expect(!MarkdownReport(none).text.isEmpty)
    }

    @Test("come back the same from JSON, with null and without NaN")
    func json() throws {
        let plan = try Self.plan("unguarded,lua-atomic")
        let results = Self.results(plan, Self.trials(plan))
        let json = try results.json()
        #expect(try RunResults.decode(json) == results)
        let text = String(decoding: json, as: UTF8.self)
        #expect(text.contains(#""schema_version":"1.1""#))
        #expect(text.contains(#""git_commit":null"#))
        #expect(text.contains(#""redis_commands_per_success":null"#))
        #expect(!text.lowercased().contains("nan"))
    }

    @Test("are drawn with a row for each strategy, the targets, and the command")
    func report() throws {
        let plan = try Self.plan("unguarded,lua-atomic,setnx-spin")
        let text = MarkdownReport(Self.results(plan, Self.trials(plan))).text
        #expect(text.contains("| lua-atomic | 400 | 0 | 400 | 400 | 400 | 0 | 0 | exact |"))
        #expect(text.contains("| unguarded (control) | 200 | 0 | 200 | 200 | 150 | 0 | 0 | caught |"))
        #expect(text.contains("| lua-atomic | p95 of a purchase | < 100 ms | 10"))
        #expect(text.contains(plan.command))
        #expect(text.contains("- none"))
        #expect(!text.contains("nan"))
    }

    @Test("state lease, deadline, retry policy, durability and critical section of every strategy")
    func conditions() throws {
        let plan = try Self.plan(StrategyID.allCases.map(\.rawValue).joined(separator: ","))
        let results = Self.results(plan, Self.trials(plan))
        let system = results.systemUnderTest
        #expect(system.purchaseDeadlineMs == 5000)
        #expect(Set(system.conditions.map(\.id)) == Set(StrategyID.allCases.map(\.rawValue)))
        #expect(Set(system.conditions.compactMap(\.leaseTtlMs)) == [system.leaseTtlMs])
        #expect(Set(system.conditions.compactMap(\.retry).map(\.budget)).count == 1)
        let text = MarkdownReport(results).text
        #expect(text.contains("synchronous FULL (asserted by lab-server at start)"))
        #expect(text.contains("| wait for the lock | at most 5,000 ms a purchase |"))
        let guarded = "GET, then write, under the lock"
        #expect(text.contains("| setnx-spin | 10,000 | fixed, 5 ms | until the deadline | \(guarded) |"))
        #expect(text.contains("| lua-atomic | no lock | none | none | one script |"))
    }

    @Test("name the mode in their conditions and in the command")
    func mode() throws {
        let http = Self.results(try Self.plan("lua-atomic"), [])
        let direct = Self.results(try Self.plan("lua-atomic", mode: .direct), [])
        #expect(http.workload.mode == .http)
        #expect(direct.workload.mode == .direct)
        #expect(String(decoding: try direct.json(), as: UTF8.self).contains(#""mode":"direct""#))
        #expect(direct.systemUnderTest.bcryptCost == nil)
        let text = MarkdownReport(direct).text
        #expect(text.contains("mode `direct`, exit code"))
        #expect(text.contains("--mode direct --"))
        #expect(text.contains("| lab-server | none: the service ran in lab-bench |"))
        #expect(text.contains("`bench` is the sum of both"))
        #expect(!text.contains("keep-alive"))
        #expect(MarkdownReport(http).text.contains("mode `http`, exit code"))
        #expect(MarkdownReport(http).text.contains("keep-alive"))
    }

    @Test("of a debug build say that they are not representative")
    func debug() throws {
        let plan = try Self.plan("lua-atomic")
        var results = Self.results(plan, Self.trials(plan))
        #expect(!MarkdownReport(results).text.contains("not representative"))
        results.env.buildMode = "debug"
        #expect(MarkdownReport(results).text.contains("not representative"))
    }
}
