import BenchModel
import BenchReports
import BenchResults
import BenchStatistics
import Foundation
import LockStrategies
import NIOCore
import Testing

@testable import BenchAudit
@testable import BenchLoad
@testable import BenchRun

@Suite("The results of a run")
struct RunResultsTests {
    static let environment = EnvironmentInfo(
        host: "test", os: "Test OS", kernel: "1", cpu: "a CPU", cores: 2, memoryMib: 1024, governor: nil,
        virtualisation: nil, loadBefore: 0.5, swift: "6.3", buildMode: "release", gitCommit: nil,
        timerOvershootUs: .init(p50: 60, p99: 90, max: 120))

    static func plan(
        _ strategies: String, rounds: Int = 2, mode: RunMode = .http, scenario: Scenario = .purchase,
        products: Int = 1, database: String? = nil
    ) throws -> RunPlan {
        try RunPlan(
            RunOptions(
                mode: mode.rawValue, scenario: scenario.rawValue, strategies: strategies, users: 2,
                duration: 1,
                rounds: rounds, products: products, database: database), seed: 1)
    }

    /// Finished trials of everything that is planned, changed by the test.
    static func trials(
        _ plan: RunPlan, of schedule: [PlannedTrial]? = nil,
        change: (PlannedTrial, inout AuditFacts) -> Void = { _, _ in }
    ) -> [FinishedTrial] {
        (schedule ?? plan.schedule).map { planned in
            let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
            let count = plan.mix.count
            var record = LoadRecord(
                schedule: LoadSchedule(start: start, warmup: .zero, duration: .seconds(1), drain: .zero),
                users: 2, products: count, scenario: plan.scenario)
            for step in 0..<Int64(100) {
                for user in 0..<2 {
                    let times = LoadRecord.closedTimes(start + .milliseconds(step * 10))
                    let done = times.sent + .milliseconds(10)
                    record.add(
                        user: user, product: Int(step) % count, times, done: done, outcome: .success,
                        timing: ServerTiming(parsing: "wait;dur=1, hold;dur=2"))
                    guard plan.scenario == .journey else { continue }
                    for step in JourneyStep.allCases where step != .buy {
                        record.add(step, times, done: times.sent, isGood: true, isUnknown: false)
                    }
                    record.addVisit(began: times.sent, done: done, isWhole: true)
                }
            }
            let sold = record.products.map(\.success)
            let books = sold.map { sold in
                LedgerReader.Book(
                    ledger: .init(rows: sold, units: sold, supplied: planned.stock, sold: sold),
                    reservations: [])
            }
            let stocks = sold.map { StockReader.Stock(units: planned.stock - $0, reservations: [:]) }
            var facts = AuditFacts(
                initialStock: planned.stock, planned.load, record, ledger: .init(books: books, users: 201),
                stock: .init(stocks: stocks),
                serverEnd: "exit code 0", serverEndedWell: true)
            facts.isRelease = true
            facts.generator = .init(
                processorShare: 0.5, isAlone: plan.mode == .http, meanMs: 10, processorMs: 0.1,
                lateness: [.init(figure: "p99", valueMs: 10, errorMs: 0.2)], stillShare: 0, sockets: 2,
                socketLimit: 1024)
            if plan.mode == .http {
                facts.server = .init(
                    sold: record.total(.success), refused: 0, answeredRefused: 0, loopLagMs: 0.2,
                    linesWritten: 0, answered: record.total(.success))
            }
            // The control's fault: a decrement that was lost.
            if planned.isControl { facts.redis?.stock += 50 }
            change(planned, &facts)
            return FinishedTrial(
                planned: planned, record: record, facts: facts, checks: Audit.checks(facts),
                cost: LoadCost(bench: 0.1, server: 0.2, redis: nil), serverArguments: ["serve"],
                redisSystem: nil, sqliteVersion: "3", journalMode: "wal")
        }
    }

    static let ceilings = [Ceiling.bareHTTP, .redisOnly, .noLock].map { ceiling in
        FinishedCeiling(
            ceiling: ceiling, perSecond: 800, duration: .seconds(2), wallSeconds: 2,
            cost: LoadCost(bench: 1, server: ceiling == .bareHTTP ? 2 : nil, redis: nil))
    }

    static func results(
        _ plan: RunPlan, _ trials: [FinishedTrial], ceilings: [FinishedCeiling] = [],
        end: RunEnd = .complete
    ) -> RunResults {
        RunResults(
            plan: plan, trials: trials, ceilings: ceilings, end: end, started: Date(timeIntervalSince1970: 0),
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
        #expect(results.strategies.last?.target(.stock)?.isMet == false)
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
        let unread = Self.results(
            plan, Self.trials(plan) { planned, facts in if !planned.isControl { facts.ledger = nil } })
        #expect(unread.verdict.exit == .inconclusive)
        #expect(unread.strategies.first?.isRanked == false)
        #expect(unread.strategies.first?.stockWord == "unknown")
    }

    @Test("rank nothing when nothing can be said")
    func invalidRanksNothing() throws {
        let plan = try Self.plan("lua-atomic,setnx-spin")
        let results = Self.results(
            plan,
            Self.trials(plan) { _, facts in facts.busyShare = 0.5 })
        #expect(results.verdict.exit == .invalid)
        #expect(results.strategies.map(\.isRanked) == [false, false])
        #expect(results.strategies.first?.notRankedBecause == "a check of the measurement failed")
        #expect(results.pairs.isEmpty)
        #expect(results.leaders == [])
    }

    @Test("rank no strategy that sold out")
    func soldOut() throws {
        let plan = try Self.plan("lua-atomic,setnx-spin")
        let trials = Self.trials(plan).map { trial in
            guard trial.planned.strategy == .luaAtomic, trial.planned.block == 1 else { return trial }
            var record = trial.record
            let times = LoadRecord.closedTimes(record.schedule.start + .milliseconds(500))
            record.add(
                user: 0, product: 0, times, done: times.sent + .milliseconds(1), outcome: .soldOut,
                timing: ServerTiming())
            return FinishedTrial(
                planned: trial.planned, record: record, facts: trial.facts, checks: trial.checks,
                cost: trial.cost, serverArguments: trial.serverArguments, redisSystem: nil,
                sqliteVersion: trial.sqliteVersion, journalMode: trial.journalMode)
        }
        let results = Self.results(plan, trials)
        #expect(results.strategies.map(\.isRanked) == [false, true])
        #expect(results.strategies.first?.notRankedBecause == "it sold out")
        #expect(results.verdict.exit == .good)
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
        #expect(text.contains(#""schema_version":"2.9""#))
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
        #expect(text.contains("2 rounds are too few to judge pairs: 3 are needed"))
        #expect(text.contains("| setnx-spin | 1.00 |"))
        #expect(!text.contains("nan"))
    }

    @Test("state lease, deadline, retry policy, durability and critical section of every strategy")
    func conditions() throws {
        // A SQLite file is asserted to be durable; the lock without a lease needs a PostgreSQL.
        let here = StrategyRegistry.builtIn.entries.filter { !$0.needsPostgres }.map(\.name)
        let plan = try Self.plan(here.joined(separator: ","))
        let results = Self.results(plan, Self.trials(plan))
        let system = results.systemUnderTest
        #expect(system.purchaseDeadlineMs == 5000)
        #expect(Set(system.conditions.map(\.id)) == Set(here))
        #expect(Set(system.conditions.compactMap(\.leaseTtlMs)) == [system.leaseTtlMs])
        #expect(Set(system.conditions.compactMap(\.retry).map(\.budget)).count == 1)
        let text = MarkdownReport(results).text
        #expect(text.contains("synchronous FULL (asserted by lab-server at start)"))
        #expect(text.contains("| wait for the lock | at most 5,000 ms a purchase |"))
        let guarded = "GET, then write, under the lock"
        #expect(text.contains("| setnx-spin | 10,000 | fixed, 5 ms | until the deadline | \(guarded) |"))
        #expect(text.contains("| lua-atomic | no lock | none | none | one script |"))
        let other = try Self.plan("pg-advisory", database: "postgres")
        let page = MarkdownReport(Self.results(other, Self.trials(other))).text
        #expect(page.contains("| pg-advisory | no lease | none | none | \(guarded) |"))
    }

    @Test("show the arguments of lab-server that all trials shared, not those of one strategy")
    func arguments() throws {
        let plan = try Self.plan("lua-atomic")
        var results = Self.results(plan, Self.trials(plan))
        results.systemUnderTest.serverArguments = [
            "serve", "--redis", "URL", "--database", "sqlite:PATH", "--strategy", "optimistic", "--dev",
        ]
        let text = MarkdownReport(results).text
        #expect(text.contains("| lab-server | `serve --database sqlite:PATH --dev`, "))
        #expect(!text.contains("optimistic"))
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

    @Test("of journeys have figures of each step, and those of products a row for each")
    func journeyAndProducts() throws {
        let plan = try Self.plan("lua-atomic", scenario: .journey, products: 2)
        let results = Self.results(plan, Self.trials(plan))
        #expect(results.verdict.exit == .good)
        let journey = try #require(results.strategies[0].journey)
        #expect(journey.steps.map(\.step) == JourneyStep.allCases)
        #expect(journey.steps.map(\.latencyUs.count) == [400, 400, 400, 400, 400])
        #expect(journey.wholeUs.count == 400)
        #expect(results.trials[0].products?.map(\.rows) == [100, 100])
        let text = MarkdownReport(results).text
        #expect(text.contains("| lua-atomic | history | 400 | 0 |"))
        #expect(text.contains("| lua-atomic | 2 | 200 | 0 | 200 | 200 | 200 | 0 | 0.200 |"))
        #expect(text.contains("Zipf's law with exponent 1 (the hottest one draws 66.67 %)"))
        #expect(results.run.command.contains("--scenario journey"))
        #expect(results.run.command.contains("--products 2 --skew 1"))
    }

    @Test("show the ceilings beside the negative control, and how near each strategy comes")
    func ceilings() throws {
        let plan = try Self.plan("unguarded,lua-atomic")
        let results = Self.results(plan, Self.trials(plan), ceilings: Self.ceilings)
        #expect(results.controls.map(\.id) == ["unguarded", "bare-http", "redis-only", "no-lock"])
        #expect(results.negativeControls.map(\.id) == ["unguarded"])
        #expect(results.verdict.exit == .good)
        #expect(results.ceilings.map(\.ceiling.serverCores) == [1, nil, nil])
        let text = MarkdownReport(results).text
        #expect(text.contains("over HTTP | 800 | 0.50 | 1.00 | - |"))
        #expect(text.contains("| lua-atomic | 200 | 25.00 % | 25.00 % | 25.00 % |"))
        // A strategy may sell more than one short load without a lock; of a part alone it cannot.
        #expect(
            text.contains("`bare-http`, `redis-only`: one part of the system alone, what no strategy can"))
        #expect(text.contains("`no-lock`: the same work without a lock, for comparison;"))
        #expect(!text.contains("| bare-http (control) |"))
        #expect(try RunResults.decode(results.json()) == results)
    }

    @Test("list what could not be checked with its reason, and pass without it")
    func notChecked() throws {
        let plan = try Self.plan("lua-atomic")
        let trials = Self.trials(plan) { _, facts in facts.notChecked["rows-are-sold"] = "out of sight" }
        let results = Self.results(plan, trials)
        #expect(results.verdict.exit == .good)
        #expect(results.verdict.sentence.hasSuffix("Not checked here: rows-are-sold."))
        #expect(results.checks.first { $0.id == "rows-are-sold" }?.notChecked == 2)
        #expect(MarkdownReport(results).text.contains("- rows-are-sold is not checked: out of sight"))
        let json = String(decoding: try results.json(), as: UTF8.self)
        #expect(json.contains(#""reason":"out of sight""#))
    }

    @Test("of a debug build say that they are not representative")
    func debug() throws {
        let plan = try Self.plan("lua-atomic")
        var results = Self.results(plan, Self.trials(plan))
        #expect(!MarkdownReport(results).text.contains("not representative"))
        results.env.buildMode = "debug"
        #expect(MarkdownReport(results).text.contains("not representative"))
    }

    @Test("are judged against the targets of the thresholds that were given")
    func thresholds() throws {
        var options = RunOptions(strategies: "lua-atomic", users: 2, duration: 1, rounds: 2)
        options.thresholds.p95Ms = 5
        let plan = try RunPlan(options, seed: 1)
        let results = Self.results(plan, Self.trials(plan))
        #expect(results.strategies[0].targets[0].limit == "< 5 ms")
        #expect(results.strategies[0].targets[0].isMet == false)
        #expect(results.run.command.contains("--thresholds FILE"))
        let usual = try Self.plan("lua-atomic")
        #expect(Self.results(usual, Self.trials(usual)).strategies[0].targets[0].isMet == true)
    }
}
