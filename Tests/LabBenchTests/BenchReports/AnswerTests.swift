import BenchModel
import BenchResults
import BenchStatistics
import Testing

@testable import BenchReports
@testable import BenchRun

@Suite("The answer of a run")
struct AnswerTests {
    private static func results(_ strategies: String = "unguarded,lua-atomic,setnx-spin", rounds: Int = 5)
        throws -> RunResults
    {
        let plan = try RunResultsTests.plan(strategies, rounds: rounds)
        let open = RunResultsTests.trials(plan, of: plan.openSchedule(rate: 100))
        return RunResultsTests.results(plan, RunResultsTests.trials(plan) + open)
    }

    /// The same run with these rates, judged as a run judges them.
    private static func results(_ rates: [String: [Double]]) throws -> RunResults {
        var results = try results("unguarded," + rates.keys.sorted().joined(separator: ","))
        for index in results.trials.indices where !results.trials[index].model.isOpen {
            let trial = results.trials[index]
            guard let own = rates[trial.strategy] else { continue }
            results.trials[index].purchasesPerSecond = own[trial.block - 1]
        }
        for index in results.strategies.indices {
            results.strategies[index].purchasesPerSecond = Spread(rates[results.strategies[index].id] ?? [])
            results.strategies[index].isRanked = true
            results.strategies[index].notRankedBecause = nil
        }
        results.pairs = PairJudgement.all(results, noiseFloor: 0.02)
        return results
    }

    private static let fast = [1_000.0, 1_010, 990, 1_005, 995]

    @Test("names who sold most, by how much, and what the best lock sold against it")
    func winner() throws {
        let answer = Answer(
            try Self.results(["lua-atomic": Self.fast, "setnx-spin": Self.fast.map { $0 / 4 }])
        ).sentences
        #expect(
            answer[0]
                == "lua-atomic sold most: 1,000 purchases/s, 4.00 times as many as setnx-spin, beyond chance."
        )
        #expect(answer[1].hasPrefix("The best lock, setnx-spin, sold 250/s, 25 % of that"))
        #expect(answer[2].contains("unguarded"))
    }

    @Test("names all of whom none can be told from the first")
    func tie() throws {
        let near = Self.fast.enumerated().map { $1 * ($0.isMultiple(of: 2) ? 0.93 : 1.05) }
        let answer = Answer(try Self.results(["lua-atomic": Self.fast, "combining": near])).sentences
        #expect(answer[0].contains("lua-atomic") && answer[0].contains("combining"))
        #expect(answer[0].contains("5 rounds cannot tell them apart"))
    }

    @Test("calls a strategy that sold wrongly unsafe, and never the fastest")
    func unsafe() throws {
        var results = try Self.results(["lua-atomic": Self.fast, "setnx-spin": Self.fast.map { $0 * 9 }])
        let wrong = try #require(results.strategies.firstIndex { $0.id == "setnx-spin" })
        results.strategies[wrong].failedChecks = [
            FailedCheck(kind: .correctness, id: "stock-is-conserved")
        ]
        results.strategies[wrong].isRanked = false
        results.pairs = PairJudgement.all(results, noiseFloor: 0.02)
        let answer = Answer(results).text
        #expect(answer.contains("Unsafe: setnx-spin"))
        #expect(!answer.contains("setnx-spin sold most"))
        #expect(!answer.contains("Nothing was oversold"))
    }

    @Test("says of a sweep where most was sold, and of rising rates which was kept")
    func sweep() throws {
        var results = try Self.results(["lua-atomic": Self.fast, "setnx-spin": Self.fast])
        let times = results.strategies[0].latencyUs
        func point(_ id: String, _ users: Int, _ rate: Double, isSustained: Bool?) -> SweepResult.Point {
            SweepResult.Point(
                strategy: id, users: users, offeredPerSecond: isSustained == nil ? nil : rate, trials: 1,
                purchasesPerSecond: rate, successShare: 1, isSustained: isSustained, responseUs: times)
        }
        results.sweep = SweepResult(
            kind: .users,
            points: [
                point("lua-atomic", 8, 300, isSustained: nil), point("lua-atomic", 64, 700, isSustained: nil),
                point("setnx-spin", 1, 90, isSustained: nil),
            ], fits: [])
        #expect(Answer(results).sentences.first == "lua-atomic sold most, 700 purchases/s, with 64 users.")
        results.sweep = SweepResult(
            kind: .rate,
            points: [
                point("lua-atomic", 100, 500, isSustained: true),
                point("lua-atomic", 100, 900, isSustained: false),
            ], fits: [])
        #expect(Answer(results).sentences.first == "The highest rate that was kept is 500/s, by lua-atomic.")
    }

    @Test("claims no rank for one round, and nothing for a run without trials")
    func silence() throws {
        let one = Answer(try Self.results(rounds: 1)).sentences
        #expect(one.first?.contains("one round ranks nothing") == true)
        let plan = try RunResultsTests.plan("lua-atomic")
        #expect(Answer(RunResultsTests.results(plan, [], end: .interrupted)).sentences.isEmpty)
    }
}

@Suite("The table at the end of a run")
struct SummaryTableTests {
    private static let results = Result {
        let plan = try RunResultsTests.plan("unguarded,lua-atomic,setnx-spin,redlock")
        let open = RunResultsTests.trials(plan, of: plan.openSchedule(rate: 100))
        return RunResultsTests.results(plan, RunResultsTests.trials(plan) + open)
    }

    @Test("has the fastest first, a bar, both loads, and fits its terminal", arguments: [60, 80, 120])
    func fits(width: Int) throws {
        let results = try Self.results.get()
        let lines = SummaryTable(results, width: width).lines
        let names = lines.dropFirst().prefix(results.strategies.count).map { String($0.prefix { $0 != " " }) }
        #expect(names == results.byRate.map(\.id))
        #expect(lines[0].contains("p99 at 100/s"))
        let longest = lines.prefix(results.strategies.count + 2).map(\.count).max() ?? 0
        if width >= 80 {
            #expect(longest < width)
            #expect(lines[1].contains("######"))
        }
        #expect(!lines.joined().contains("\u{1B}"))
    }

    @Test(
        "has colours where a terminal has them, and nobody has asked for none",
        arguments: [
            (true, ["TERM": "xterm"], true), (false, ["TERM": "xterm"], false),
            (true, ["TERM": "dumb"], false), (true, [:], false),
            (true, ["TERM": "xterm", "NO_COLOR": "1"], false),
            (true, ["TERM": "xterm", "NO_COLOR": ""], true),
        ])
    func colours(isTerminal: Bool, environment: [String: String], isColoured: Bool) throws {
        let paint = Paint(isTerminal: isTerminal, environment: environment)
        let lines = SummaryTable(try Self.results.get(), paint: paint).lines
        #expect(lines.joined().contains("\u{1B}[32mexact") == isColoured)
        #expect(paint.verdict("pass") == (isColoured ? "\u{1B}[1;32mpass\u{1B}[0m" : "pass"))
    }

    @Test("says why strategies are not ranked, once for each reason")
    func notes() throws {
        var results = try Self.results.get()
        for index in results.strategies.indices {
            results.strategies[index].isRanked = index == 0
            results.strategies[index].notRankedBecause = index == 0 ? nil : "stationary"
        }
        let notes = SummaryTable(results).lines.filter { $0.hasPrefix("not ranked") }
        #expect(notes.count == 1)
        #expect(notes[0].hasSuffix(": stationary"))
    }
}
