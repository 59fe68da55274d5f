import BenchModel
import BenchReports
import Foundation
import Testing

@testable import BenchLoad
@testable import BenchStatistics

@Suite("The judgement of trials")
struct JudgementTests {
    @Test("The permutation test gives the values that counting by hand gives")
    func permutation() {
        // 2 of the 20 divisions are as far apart; 2 of 70 for four and four.
        #expect(PermutationTest.pValue([1, 2, 3], [4, 5, 6]) == 0.1)
        #expect(PermutationTest.pValue([1, 2, 3, 4], [5, 6, 7, 8]) == 2.0 / 70)
        #expect(PermutationTest.pValue([5, 5], [5, 5]) == 1)
        #expect(PermutationTest.pValue([], [1]) == 1)
        // As far apart: {1,2,3}, {1,2,4} and their complements.
        #expect(PermutationTest.pValue([1, 2, 4], [3, 5, 6]) == 0.2)
    }

    @Test("Many trials are judged by a seeded choice of divisions, and p is never 0")
    func sampled() {
        let low = (0..<12).map { Double($0) }
        let high = low.map { $0 + 100 }
        let p = PermutationTest.pValue(low, high)
        #expect(p > 0 && p < 0.001)
        #expect(p == PermutationTest.pValue(low, high))
        #expect(PermutationTest.pValue(low, low) > 0.9)
    }

    @Test(
        "The rounds that are needed follow from the number of comparisons",
        arguments: [(1, 4), (12, 6), (24, 7), (45, 7)])
    func rounds(comparisons: Int, rounds: Int) {
        #expect(PermutationTest.roundsNeeded(comparisons: comparisons, alpha: 0.05) == rounds)
    }

    @Test("Three rounds can never go below p = 0.10")
    func threeRounds() {
        #expect(PermutationTest.smallestP(rounds: 3) == 0.1)
    }

    @Test("Holm's correction gives the values of the textbook, and never lowers a p")
    func holm() {
        let adjusted = Holm.adjusted([0.01, 0.04, 0.03, 0.005])
        for (value, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) {
            #expect(abs(value - expected) < 1e-12)
        }
        #expect(Holm.adjusted([0.9, 0.8]) == [1, 1])
        #expect(Holm.adjusted([]) == [])
    }

    @Test("The bootstrap interval holds the ratio, narrows with less noise, and is the same again")
    func bootstrap() throws {
        let base = [98.0, 99, 100, 101, 102, 100, 100]
        let twice = base.map { $0 * 2 }
        let interval = try #require(Bootstrap.ratioOfMedians(base, twice))
        #expect(interval.low <= 2 && 2 <= interval.high)
        #expect(interval.high - interval.low < 0.1)
        #expect(interval == Bootstrap.ratioOfMedians(base, twice))
        let exact = try #require(Bootstrap.ratioOfMedians([5, 5, 5], [6, 6, 6]))
        #expect(exact.low == 1.2 && exact.high == 1.2)
        #expect(Bootstrap.ratioOfMedians([1], [1]) == nil)
        #expect(Bootstrap.ratioOfMedians([0, 1], [1, 1]) == nil)
    }

    @Test("Kolmogorov and Smirnov's distance is that of the textbook")
    func kolmogorov() throws {
        // Ten moments in the middle of ten equal parts: D = 1/20.
        let even = (0..<10).map { (Double($0) + 0.5) / 10 }
        let fair = try #require(KolmogorovSmirnov.uniform(even, from: 0, until: 1))
        #expect(abs(fair - 0.05 * 10.0.squareRoot()) < 1e-12)
        let late = try #require(KolmogorovSmirnov.uniform(even.map { 0.9 + $0 / 10 }, from: 0, until: 1))
        #expect(late > 0.9 * 10.0.squareRoot())
        #expect(KolmogorovSmirnov.uniform([0.5], from: 0, until: 1) == nil)
    }

    @Test("Poisson gaps pass for their own rate, and fail for another one or when they are constant")
    func exponential() throws {
        let schedule = ArrivalSchedule(.poisson, ratePerSecond: 100, length: .seconds(20), seed: 5)
        let gaps = zip(schedule.offsets, schedule.offsets.dropFirst()).map { Double($1 - $0) / 1e9 }
        let own = try #require(KolmogorovSmirnov.exponential(gaps, rate: 100))
        #expect(own < KolmogorovSmirnov.limit)
        #expect(try #require(KolmogorovSmirnov.exponential(gaps, rate: 150)) > KolmogorovSmirnov.limit)
        let constant = [Double](repeating: 0.01, count: 500)
        #expect(try #require(KolmogorovSmirnov.exponential(constant, rate: 100)) > KolmogorovSmirnov.limit)
    }

    @Test("Gaps that a timer rounds are far from those that were asked for only when its ticks are long")
    func gaps() throws {
        let schedule = ArrivalSchedule(.poisson, ratePerSecond: 500, length: .seconds(10), seed: 5)
        func gaps(tick: Int64) -> [Double] {
            let seen = schedule.offsets.map { ($0 + tick - 1) / tick * tick }
            return zip(seen, seen.dropFirst()).map { Double($1 - $0) }
        }
        func distance(tick: Int64) throws -> Double {
            try #require(KolmogorovSmirnov.distance(between: gaps(tick: 1), gaps(tick: tick)))
        }
        #expect(try distance(tick: 1) == 0)
        #expect(try distance(tick: 50_000) < 0.05)
        #expect(try distance(tick: 1_000_000) > 0.05)
        #expect(KolmogorovSmirnov.distance(between: [1], gaps(tick: 1)) == nil)
        // A quarter of one sample lies below all of the other.
        let twelve = (1...12).map(Double.init)
        let far = try #require(KolmogorovSmirnov.distance(between: twelve, twelve.map { $0 + 3 }))
        #expect(abs(far - 0.25) < 1e-12)
    }

    private static func word(
        _ base: [Double], _ new: [Double], figure: Judgement.Figure = .purchasesPerSecond,
        floor: Double = 0.02
    ) -> Judgement.Word? {
        let question = Judgement.Question(strategy: "x", figure: figure, base: base, new: new)
        return Judgement.all([question], noiseFloor: floor).first?.word
    }

    @Test(
        "The smallest p is that of the group sizes, equal or not",
        arguments: [(3, 3, 0.1), (7, 7, 2.0 / 3432), (7, 3, 1.0 / 120), (1, 1, 1.0), (0, 3, 1.0)])
    func smallestP(first: Int, second: Int, p: Double) {
        #expect(abs(PermutationTest.smallestP(first, second) - p) < 1e-12)
    }

    @Test("A figure of few rounds neither takes from the others nor decides for them")
    func family() {
        func question(_ rounds: Int) -> Judgement.Question {
            let base = (0..<rounds).map { 100 + Double($0) }
            return Judgement.Question(
                strategy: "x", figure: .purchasesPerSecond, base: base, new: base.map { $0 * 1.2 })
        }
        let mixed = [Int](repeating: 7, count: 4) + [Int](repeating: 3, count: 100)
        #expect(Judgement.family(of: mixed.map(question)) == [0, 1, 2, 3])
        let judged = Judgement.all(mixed.map(question), noiseFloor: 0.02)
        #expect(judged.prefix(4).allSatisfy { $0.word == .faster && $0.adjustedP < 0.05 })
        #expect(judged.dropFirst(4).allSatisfy { $0.word == .tooFewRounds })
        #expect(Judgement.family(of: [Int](repeating: 4, count: 20).map(question)).isEmpty)
        #expect(Judgement.family(of: []).isEmpty)
    }

    @Test("The words follow from difference, chance, noise floor, rounds, and which way is better")
    func words() {
        let base = [100.0, 101, 102, 103, 104]
        #expect(Self.word(base, base.map { $0 * 1.2 }) == .faster)
        #expect(Self.word(base, base.map { $0 / 1.2 }) == .slower)
        #expect(Self.word(base, base.map { $0 * 1.2 }, figure: .serviceP95) == .slower)
        #expect(Self.word(base, base.map { $0 * 1.2 }, floor: 0.5) == .withinNoise)
        #expect(Self.word([50, 100, 150, 90, 110], [60, 95, 160, 80, 120]) == .notSeparated)
        #expect(Self.word([100, 100.1, 100.2, 100.1], [100.1, 100, 100.2, 100.1]) == .withinNoise)
        #expect(Self.word([1, 2, 3], [100, 101, 102]) == .tooFewRounds)
        #expect(Self.word([0, 0, 0, 0], base) == nil)
    }
}
