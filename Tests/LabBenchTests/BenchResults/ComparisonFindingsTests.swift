import BenchReports
import BenchStatistics
import Foundation
import Testing

@testable import BenchModel
@testable import BenchResults

/// What a comparison must not miss, and what it must not believe.
@Suite("A comparison of two results: findings")
struct ComparisonFindingsTests {
    @Test(
        "is a regression when a strategy sells nothing, in all or in one of the new trials",
        arguments: [7, 1])
    func collapse(trials: Int) throws {
        let base = try ComparisonTests.withOpenLoad(500, trials: 7)
        var new = base
        new.run.id = "another"
        for index in new.trials.indices.filter({ !new.trials[$0].isControl }).prefix(trials) {
            new.trials[index].purchasesPerSecond = 0
            new.trials[index].latencyUs["success"] = nil
        }
        let comparison = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(comparison.exit == .regression)
        #expect(comparison.sentence.hasPrefix("Sold nothing: lua-atomic."), "\(comparison.sentence)")
        #expect(comparison.notJudged.contains { $0.contains("p95 service (closed)") })
        #expect(ComparisonText(comparison).markdown().contains("| sold nothing |"))
    }

    @Test("knows nothing where the base sold nothing, or a trial has too few values for its p95")
    func withoutFigure() throws {
        let new = try ComparisonTests.results(delay: 1, seed: 1)
        var base = new
        base.run.id = "another"
        let first = try #require(base.trials.firstIndex { !$0.isControl })
        base.trials[first].latencyUs["success"]?.p95 = nil
        let less = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(less.exit == .inconclusive)
        #expect(less.sentence.contains("Not answered: lua-atomic, p95 service (closed)"), "\(less.sentence)")
        base.trials[first].purchasesPerSecond = 0
        let nothing = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(nothing.exit == .inconclusive)
    }

    @Test("compares the rounds of a paired run with each other, and only those")
    func paired() throws {
        var base = try ComparisonTests.results(delay: 1, seed: 1)
        // What the machine did to a round is in both halves.
        for index in base.trials.indices { base.trials[index].purchasesPerSecond *= index % 2 == 0 ? 0.5 : 1 }
        var new = base
        new.run.id = "another"
        for index in new.trials.indices { new.trials[index].purchasesPerSecond *= 0.9 }
        let apart = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(apart.judgements[0].method != .signFlips && apart.judgements[0].word != .slower)
        base.run.pair = "one"
        new.run.pair = "one"
        new.trials.removeAll { $0.block == 2 }
        let together = Comparison(base: base, new: new, thresholds: Thresholds())
        #expect(together.judgements[0].method == .signFlips && together.judgements[0].rounds == 6)
        #expect(together.judgements[0].word == .slower)
        #expect(together.exit == .regression)
    }

    @Test("refuses results with numbers that no measurement gives", arguments: ["-5", "1e300", "-1e300"])
    func unbelievable(number: String) throws {
        var results = try ComparisonTests.results(delay: 1, seed: 1)
        let first = try #require(results.trials.firstIndex { !$0.isControl })
        results.trials[first].purchasesPerSecond = 4242.5
        let text = String(decoding: try results.json(), as: UTF8.self).replacing("4242.5", with: number)
        #expect(throws: BenchError.self) { _ = try RunResults.decode(Data(text.utf8)) }
        let read = try RunResults.decode(try results.json())
        #expect(read == results)
    }

    @Test("says at most how much slower, when that is below the limit")
    func notInferior() throws {
        let base = try ComparisonTests.results(delay: 1, seed: 1)
        var new = base
        new.run.id = "another"
        for index in new.trials.indices {
            new.trials[index].purchasesPerSecond *= 0.97 + (index.isMultiple(of: 2) ? 0.002 : 0)
        }
        var (one, other) = (base, new)
        (one.run.pair, other.run.pair) = ("one", "one")
        let comparison = Comparison(base: one, new: other, thresholds: Thresholds())
        #expect(comparison.exit == .good)
        #expect(comparison.sentence.contains("is at most 3"), "\(comparison.sentence)")
        #expect(comparison.sentence.contains("% worse (lua-atomic (purchases/s)); the limit is 5 %."))
    }
}
