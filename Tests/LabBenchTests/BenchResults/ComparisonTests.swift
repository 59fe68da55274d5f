import BenchReports
import BenchStatistics
import Foundation
import LabProcesses
import Testing

@testable import BenchModel
@testable import BenchResults

@Suite("A comparison of two results")
struct ComparisonTests {
    /// Made once: drawing up trials takes most of the time.
    private static let templates = [3, 7].map { rounds in
        Result {
            let plan = try RunResultsTests.plan("lua-atomic", rounds: rounds)
            return RunResultsTests.results(plan, RunResultsTests.trials(plan))
        }
    }

    /// Trials with 3 % of noise on what a server of this delay can do.
    static func results(delay: Double, seed: UInt64, rounds: Int = 7) throws -> RunResults {
        var results = try templates[rounds == 3 ? 0 : 1].get()
        results.run.id = "\(delay)-\(seed)"
        var generator = SplitMix64(seed: seed)
        for index in results.trials.indices {
            // The sum of twelve is as good as normal.
            let noise = (0..<12).reduce(-6.0) { sum, _ in sum + .random(in: 0..<1, using: &generator) }
            results.trials[index].purchasesPerSecond = 1000 / delay * (1 + 0.03 * noise)
        }
        return results
    }

    private static func compare(_ delay: Double, seed: UInt64) throws -> Comparison {
        Comparison(
            base: try results(delay: 1, seed: seed), new: try results(delay: delay, seed: seed + 1_000),
            thresholds: Thresholds())
    }

    @Test("of equal servers alarms in at most 20 of 200 cases: a rate of 5 in 100, of two figures")
    func equal() throws {
        let alarms = try (1...200).count { seed in
            try Self.compare(1, seed: UInt64(seed)).judgements.contains {
                [.faster, .slower].contains($0.word)
            }
        }
        #expect(alarms <= 20, "\(alarms)")
    }

    @Test("says slower and ends with 2 in at least 9 of 10 cases of 20 % more delay")
    func slower() throws {
        let found = try (1...10).count { seed in
            let comparison = try Self.compare(1.2, seed: UInt64(seed))
            return comparison.exit == .regression && comparison.judgements.contains { $0.word == .slower }
        }
        #expect(found >= 9)
    }

    @Test("says faster and ends with 0 in at least 9 of 10 cases of 20 % less delay")
    func faster() throws {
        let found = try (1...10).count { seed in
            let comparison = try Self.compare(0.8, seed: UInt64(seed))
            return comparison.exit == .good && comparison.judgements.contains { $0.word == .faster }
        }
        #expect(found >= 9)
    }

    @Test("says how many rounds are needed instead of no difference")
    func tooFew() throws {
        var base = try Self.results(delay: 1, seed: 1, rounds: 3)
        base.trials.removeAll { $0.block == 3 }
        let comparison = Comparison(base: base, new: base, thresholds: Thresholds())
        #expect(comparison.exit == .inconclusive)
        #expect(comparison.sentence.contains("Too few rounds to judge 2 figures: 3 are needed."))
    }

    @Test("lets a slowdown below the threshold pass")
    func threshold() throws {
        var thresholds = Thresholds()
        thresholds.regressionPercent = 50
        let comparison = Comparison(
            base: try Self.results(delay: 1, seed: 1), new: try Self.results(delay: 1.2, seed: 2),
            thresholds: thresholds)
        #expect(comparison.exit == .good)
        #expect(comparison.judgements.contains { $0.word == .slower })
    }

    @Test(
        "is refused when the machine, the build or the workload differ, or a side is not whole",
        arguments: 0..<18)
    func notComparable(index: Int) throws {
        let changes: [(inout RunResults) -> Void] = [
            { $0.env.cpu = "another" }, { $0.env.kernel = "2" }, { $0.env.cores = 64 },
            { $0.workload.users = 7 },
            { $0.workload.durationSeconds = 3 }, { $0.env.buildMode = "debug" },
            { $0.workload.mode = .direct },
            { $0.run.status = "failed" }, { $0.env.os = "another" }, { $0.env.governor = "powersave" },
            { $0.env.virtualisation = "another" }, { $0.env.swift = "7" }, { $0.workload.stock = 7 },
            { $0.systemUnderTest.serverArguments = ["serve", "--ledger-batch", "1"] },
            { $0.run.toolVersion = "0.0.1" }, { $0.systemUnderTest.leaseTtlMs = 7 },
            { $0.systemUnderTest.purchaseDeadlineMs = 7 },
            { $0.systemUnderTest.conditions[0].criticalSection = "another" },
        ]
        let base = try Self.results(delay: 1, seed: 1)
        var new = base
        changes[index](&new)
        let comparison = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(comparison.exit == .inconclusive)
        // What met other conditions has no table; what is only partial has one.
        #expect(comparison.judgements.isEmpty == !comparison.differences.isEmpty)
        #expect(comparison.sentence.hasPrefix("Not comparable: "))
    }

    @Test(
        "passes on what is worse than slow",
        arguments: [
            (BenchExit.violation, BenchExit.violation), (.invalid, .invalid), (.interrupted, .interrupted),
            // One strategy could not be judged; that another one is slower is known all the same.
            (.inconclusive, .regression),
        ])
    func worse(verdict: BenchExit, exit: BenchExit) throws {
        var new = try Self.results(delay: 1.2, seed: 2)
        new.verdict.exit = verdict
        let base = try Self.results(delay: 1, seed: 1)
        #expect(Comparison(base: base, new: new, thresholds: Thresholds()).exit == exit)
    }

    @Test(
        "does not take a base that cannot be trusted",
        arguments: [BenchExit.violation, .invalid, .inconclusive])
    func badBase(verdict: BenchExit) throws {
        var base = try Self.results(delay: 1, seed: 1)
        base.verdict.exit = verdict
        let comparison = Comparison(
            base: base, new: try Self.results(delay: 1, seed: 2), thresholds: Thresholds())
        #expect(comparison.exit == .inconclusive)
        #expect(comparison.sentence.hasPrefix("Not comparable: the base is "))
    }

    @Test("is a regression when a target is lost; that of the p95 only where the p95 is slower beyond chance")
    func lostTarget() throws {
        let base = try Self.results(delay: 1, seed: 1)
        var new = base
        new.strategies[0].targets[1].isMet = false
        let comparison = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(comparison.exit == .regression)
        #expect(comparison.lostTargets == ["lua-atomic: purchases that succeed"])
        // 99 ms and 101 ms: on two sides of a line, and nothing else.
        new = base
        new.strategies[0].targets[0].isMet = false
        #expect(Comparison(base: base, new: new, thresholds: Thresholds()).lostTargets == [])
        for index in new.trials.indices { new.trials[index].latencyUs["success"]?.p95? *= 2 }
        var lenient = Thresholds()
        lenient.regressionPercent = 90
        let slower = Comparison(base: base, new: new, thresholds: lenient)
        #expect(slower.lostTargets == ["lua-atomic: p95 of a purchase"])
        #expect(slower.exit == .regression)
    }

    @Test("says what it cannot exclude, and knows nothing where that is much")
    func resolution() throws {
        func compare(noise: Double) throws -> Comparison {
            let base = try Self.results(delay: 1, seed: 1)
            var new = base
            new.run.id = "another"
            for index in new.trials.indices {
                let sign = index.isMultiple(of: 2) ? 1.0 : -1.0
                new.trials[index].purchasesPerSecond *= 1 + sign * noise
            }
            return Comparison(base: base, new: new, thresholds: Thresholds())
        }
        let calm = try compare(noise: 0.001)
        #expect(calm.exit == .good)
        let noisy = try compare(noise: 0.1)
        #expect(noisy.exit == .good)
        #expect(noisy.sentence.contains("% is not excluded (lua-atomic (purchases/s))"), "\(noisy.sentence)")
        let wild = try compare(noise: 0.4)
        #expect(wild.exit == .inconclusive)
        #expect(
            wild.sentence.contains("to exclude one of 20 %: lua-atomic (purchases/s)"), "\(wild.sentence)")
        var lenient = Thresholds()
        lenient.unresolvedPercent = 90
        let base = try Self.results(delay: 1, seed: 1)
        #expect(Comparison(base: base, new: base, thresholds: lenient).exit == .good)
    }

    /// With an open trial of each round, at this rate.
    static func withOpenLoad(_ rate: Double, trials: Int) throws -> RunResults {
        var results = try Self.results(delay: 1, seed: 1)
        for closed in results.trials.filter({ !$0.isControl }).prefix(trials) {
            var open = closed
            open.model = .poisson
            open.offer = .init(
                ratePerSecond: rate, offered: 100, sentInWindow: 100, unsent: 0, isSustained: true)
            results.trials.append(open)
        }
        return results
    }

    @Test("leaves out the open load where the offered rates differ or there is one trial, and says so")
    func openLoad() throws {
        func compare(_ rates: (Double, Double), trials: Int) throws -> Comparison {
            Comparison(
                base: try Self.withOpenLoad(rates.0, trials: trials),
                new: try Self.withOpenLoad(rates.1, trials: trials), thresholds: Thresholds())
        }
        let equal = try compare((500, 500), trials: 7)
        #expect(equal.judgements.map(\.figure).contains(.responseP95))
        #expect(equal.notJudged == [])
        let different = try compare((500, 520), trials: 7)
        #expect(!different.judgements.map(\.figure).contains(.responseP95))
        #expect(different.exit == .good)
        #expect(different.notJudged.first?.contains("500 and 520 purchases/s") == true)
        #expect(ComparisonText(different).markdown().contains("- not judged: the open load"))
        let single = try compare((500, 500), trials: 1)
        #expect(single.exit == .good)
        #expect(single.notJudged == ["lua-atomic, p95 response (open): one trial (--open-rounds)"])
    }

    @Test("names the strategies that stand in one of them only")
    func missing() throws {
        let base = try Self.results(delay: 1, seed: 1)
        var new = base
        new.strategies[0].id = "fenced"
        let comparison = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(comparison.notJudged == ["lua-atomic: only in the base", "fenced: only in the new results"])
        #expect(comparison.exit == .inconclusive)
    }

    @Test("lets an open load of few rounds decide nothing for a closed one of many, and names it")
    func ownRounds() throws {
        let base = try Self.withOpenLoad(500, trials: 3)
        var new = base
        new.run.id = "another"
        var sign = 1.0
        for index in new.trials.indices where new.trials[index].model.isOpen {
            new.trials[index].responseUs["success"]?.p95? *= 1 + 0.5 * sign
            sign = -sign
        }
        let comparison = Comparison(base: base, new: new, thresholds: Thresholds())
        let words = Dictionary(uniqueKeysWithValues: comparison.judgements.map { ($0.figure, $0.word) })
        #expect(words[.responseP95] == .notSeparated)
        #expect(comparison.exit == .good)
        #expect(
            comparison.sentence.contains("fewer rounds leave 20 % open for lua-atomic (p95 response (open))"),
            "\(comparison.sentence)")
    }

    @Test("says so when a result is compared with itself")
    func itself() throws {
        let results = try Self.results(delay: 1, seed: 1)
        let comparison = Comparison(base: results, new: results, thresholds: Thresholds())
        #expect(comparison.exit == .good)
        #expect(comparison.sentence.hasPrefix("Both sides are the same run (\(results.run.id))"))
        #expect(comparison.judgements.allSatisfy { $0.ratio == 1 })
    }

    @Test("ends with 0 for the committed reference run against itself, and draws its table")
    func reference() throws {
        var root = #filePath
        for _ in 0..<4 { root = (root as NSString).deletingLastPathComponent }
        let results = try ResultsFile.read("\(root)/results/2026-11-26T132606-purchase-vm")
        let comparison = Comparison(base: results, new: results, thresholds: Thresholds())
        #expect(comparison.exit == .good, "\(comparison.sentence)")
        #expect(comparison.judgements.count { $0.figure == .responseP95 && $0.rounds == 3 } == 10)
        #expect(comparison.judgements.count { $0.rounds == 7 } == 20)
        #expect(comparison.judgements.allSatisfy { $0.word.isJudged })
        #expect(ComparisonText(comparison).plain.contains("lua-atomic"))
        // Results of before are drawn again, with intervals over their trials: seven of 79 to 102 ms.
        let report = MarkdownReport(results).text
        #expect(report.contains("| 92.2 (80.9 - 105) |"))
        #expect(HTMLReport(results).text.contains("92.2 (80.9 - 105)"))
    }

    @Test("calls a strategy that the new results lack no pass, unless something worse was found")
    func lacking() throws {
        let base = try Self.results(delay: 1, seed: 1)
        var both = base
        both.strategies.append(both.strategies[0])
        both.strategies[1].id = "fenced"
        let less = Comparison(base: both, new: base, thresholds: Thresholds())
        #expect(less.exit == .inconclusive)
        #expect(less.sentence.contains("Not answered: fenced."))
        let more = Comparison(base: base, new: both, thresholds: Thresholds())
        #expect(more.exit == .good && more.notJudged.contains("fenced: only in the new results"))
    }

    @Test("keeps its table when the new run as a whole, or the base, is not good")
    func tableStays() throws {
        let base = try Self.results(delay: 1, seed: 1)
        for exit in [BenchExit.invalid, .inconclusive, .violation, .interrupted] {
            var bad = try Self.results(delay: 1.5, seed: 2)
            bad.verdict.exit = exit
            let asNew = Comparison(base: base, new: bad, thresholds: Thresholds())
            #expect(asNew.exit == (exit == .inconclusive ? .regression : exit))
            let asBase = Comparison(base: bad, new: base, thresholds: Thresholds())
            for text in [ComparisonText(asNew).markdown(), ComparisonText(asBase).markdown()] {
                #expect(text.contains("| lua-atomic | purchases/s |"))
            }
        }
    }

    @Test("is drawn as a Markdown table with its sentence")
    func markdown() throws {
        let text = ComparisonText(try Self.compare(1.2, seed: 1)).markdown()
        #expect(text.hasPrefix("## Load test: regression\n\nSlower: lua-atomic (purchases/s) by "))
        #expect(text.contains("| lua-atomic | purchases/s | "))
        #expect(text.contains("| slower |"))
    }

    @Test("has its thresholds from a file, and refuses what it does not know")
    func thresholds() throws {
        let read = try Thresholds.parse(Data(#"{"schema_version":"1.0","regression_percent":12}"#.utf8))
        #expect(read.regressionPercent == 12)
        #expect(read.p95Ms == 100)
        #expect(read.successPercent == 95)
        for text in [
            "", "[]", #"{"p95":1}"#, #"{"p95_ms":-1}"#, #"{"p95_ms":"fast"}"#, #"{"schema_version":"2.0"}"#,
        ] {
            #expect(throws: BenchError.self) { _ = try Thresholds.parse(Data(text.utf8)) }
        }
    }
}
