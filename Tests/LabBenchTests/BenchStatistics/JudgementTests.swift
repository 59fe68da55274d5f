import BenchModel
import BenchReports
import BenchResults
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
        #expect(PermutationTest.pValue([], [1]) == nil)
        // As far apart: {1,2,3}, {1,2,4} and their complements.
        #expect(PermutationTest.pValue([1, 2, 4], [3, 5, 6]) == 0.2)
    }

    @Test("What is called exact looks at every division, or is not used")
    func exact() throws {
        let low = (0..<8).map { Double($0) }
        #expect(PermutationTest.pValue(low, low.map { $0 + 100 }) == 2.0 / 12_870)
        #expect(PermutationTest.pValue(low + low, low + low) == nil)
        let many = (0..<24).map { 100 + Double($0 % 5) }
        for isPaired in [true, false] {
            let question = Judgement.Question(
                strategy: "x", figure: .purchasesPerSecond, base: many, new: many.map { $0 * 1.1 + 0.01 },
                isPaired: isPaired)
            let judged = Judgement.all([question], noiseFloor: 0.02)[0]
            #expect(judged.method == (isPaired ? .pairedT : .welchT))
            #expect(judged.word == .faster)
        }
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
        return Judgement.all([question], noiseFloor: floor, limit: 0.05).first?.word
    }

    @Test(
        "The smallest p is that of the group sizes, equal or not",
        arguments: [(3, 3, 0.1), (7, 7, 2.0 / 3432), (7, 3, 1.0 / 120), (1, 1, 1.0), (0, 3, 1.0)])
    func smallestP(first: Int, second: Int, p: Double) {
        #expect(abs(PermutationTest.smallestP(first, second) - p) < 1e-12)
    }

    private static func question(
        _ rounds: Int, figure: Judgement.Figure = .purchasesPerSecond, isPaired: Bool = true
    ) -> Judgement.Question {
        let base = (0..<rounds).map { 100 + Double($0) }
        return Judgement.Question(
            strategy: "x", figure: figure, base: base,
            new: base.enumerated().map { $1 * (1.2 + 0.001 * Double($0)) }, isPaired: isPaired)
    }

    @Test("Figures of few rounds, and other figures of the same load, take nothing from the others")
    func family() {
        let one = Judgement.all([Self.question(7)], noiseFloor: 0.02)[0]
        let beside =
            [Self.question(7), Self.question(7, figure: .serviceP95)]
            + (0..<20).map { _ in Self.question(3, figure: .responseP95) }
        let judged = Judgement.all(beside, noiseFloor: 0.02)
        #expect(judged[0] == one)
        #expect(judged[0].adjustedP == judged[0].p && judged[1].adjustedP == judged[1].p)
        #expect(judged.dropFirst(2).allSatisfy { $0.word == .slower && $0.rounds == 3 })
        #expect(Judgement.all([], noiseFloor: 0.02).isEmpty)
    }

    @Test("The method is the one that needs least: exact where the rounds and comparisons allow it")
    func methods() {
        func method(_ questions: [Judgement.Question]) -> Judgement.Method {
            Judgement.all(questions, noiseFloor: 0.02)[0].method
        }
        #expect(method([Self.question(7)]) == .signFlips)
        #expect(method([Self.question(5)]) == .pairedT)
        #expect(method([Judgement.Question](repeating: Self.question(7), count: 10)) == .pairedT)
        #expect(method([Self.question(7, isPaired: false)]) == .permutation)
        #expect(method([Self.question(3, isPaired: false)]) == .welchT)
    }

    @Test(
        "One estimand: where the median goes down and most of the trials' worth up, all words are of the ratio"
    )
    func oneEstimand() throws {
        let base = [1_050, 1_050, 1_050, 1_050, 10, 11, 12.0]
        let new = [990, 990, 990, 990, 3_000, 3_010, 3_020.0]
        let question = Judgement.Question(
            strategy: "x", figure: .purchasesPerSecond, base: base, new: new)
        let judged = Judgement.all([question], noiseFloor: 0.02, limit: 0.05)[0]
        let interval = try #require(judged.interval)
        #expect(judged.ratio > 5 && interval.low > 1 && interval.high > judged.ratio)
        #expect(judged.word == .faster && judged.adjustedP <= Judgement.alpha)
        #expect(Comparison.end(of: [judged], Thresholds()).0 == .good)
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
        #expect(Self.word([1, 2, 3], [100, 101, 102]) == .faster)
        #expect(Self.word([1, 2], [100, 101]) == .tooFewRounds)
        #expect(Self.word([0, 0, 0, 0], base) == .tooFewRounds)
        #expect(Self.word(base, [100, 101, 0, 103, 104]) == .collapsed)
        #expect(Self.word(base, base.map { $0 * 1.01 }, floor: 0.005) == .notSlower)
    }
}
