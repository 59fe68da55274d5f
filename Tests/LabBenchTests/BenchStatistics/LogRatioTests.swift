import BenchModel
import Foundation
import Testing

@testable import BenchStatistics

/// Each method is tried on trials from known distributions: how often its interval holds the truth, how often
/// it raises a false alarm, and how often it finds what it says that it would find.
@Suite("The ratio of two groups of trials")
struct LogRatioTests {
    private static let runs = 3_000
    private static let sizeRuns = 600

    /// Three standard errors of a share of the runs that are made here.
    private static func chance(_ share: Double) -> Double {
        3 * (share * (1 - share) / Double(runs)).squareRoot()
    }

    /// How trials are distributed: their logarithm beside that of the figure.
    enum Shape: String, CaseIterable, Sendable, CustomStringConvertible {
        case normal, heavy, skewed, contaminated

        var description: String { rawValue }

        func value(_ chance: inout Chance) -> Double {
            switch self {
            case .normal: 0.05 * chance.normal()
            case .heavy: 0.05 * chance.heavy()
            case .skewed: 0.05 * chance.exponential()
            // One trial of ten is disturbed.
            case .contaminated: 0.05 * chance.normal() - (chance.uniform() < 0.1 ? 0.3 : 0)
            }
        }
    }

    /// Trials of one server: rounds have something in common, the rest is their own.
    private static func pair(
        _ chance: inout Chance, rounds: Int, effect: Double = 1, shape: Shape = .normal, common: Double = 0
    ) -> (base: [Double], new: [Double]) {
        var (base, new): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            let round = common * chance.normal()
            base.append(1_000 * exp(round + shape.value(&chance)))
            new.append(1_000 * effect * exp(round + shape.value(&chance)))
        }
        return (base, new)
    }

    @Test(
        "has an interval that holds the true ratio as often as it says, from three rounds on",
        arguments: [3, 4, 7, 12], [true, false])
    func coverage(rounds: Int, isPaired: Bool) throws {
        var chance = Chance(seed: UInt64(rounds))
        var held = 0
        for _ in 0..<Self.runs {
            // Without pairs one side is three times as restless, and has more trials.
            var (base, new) = Self.pair(&chance, rounds: rounds, effect: 1.3, common: isPaired ? 0.2 : 0)
            if !isPaired { base += (0..<2).map { _ in 1_000 * exp(0.05 * chance.normal()) } }
            if !isPaired { new = new.map { 1_300 * exp(3 * log($0 / 1_300)) } }
            let interval = try #require(LogRatio(base: base, new: new, isPaired: isPaired)).interval()
            if (interval.low...interval.high).contains(1.3) { held += 1 }
        }
        let share = Double(held) / Double(Self.runs)
        #expect((0.93...0.97).contains(share), "\(share)")
    }

    @Test(
        "raises a false alarm in at most 5 of 100 cases, whatever the trials are like",
        arguments: [3, 5, 7], Shape.allCases)
    func size(rounds: Int, shape: Shape) {
        for isPaired in [true, false] {
            var chance = Chance(seed: UInt64(rounds))
            var alarms = 0
            for _ in 0..<Self.sizeRuns {
                let (base, new) = Self.pair(&chance, rounds: rounds, shape: shape)
                let judged = Judgement.all(
                    [
                        Judgement.Question(
                            strategy: "x", figure: .purchasesPerSecond, base: base, new: new,
                            isPaired: isPaired)
                    ], noiseFloor: 0)
                if judged[0].adjustedP <= Judgement.alpha { alarms += 1 }
            }
            let share = Double(alarms) / Double(Self.sizeRuns)
            let error = 3 * (0.05 * 0.95 / Double(Self.sizeRuns)).squareRoot()
            #expect(share <= 0.05 + error, "\(share), paired: \(isPaired)")
        }
    }

    @Test("raises one false alarm over ten strategies in at most 5 of 100 cases", arguments: [3, 7])
    func family(rounds: Int) {
        var chance = Chance(seed: 5)
        var alarms = 0
        for _ in 0..<1_000 {
            let questions = (0..<10).map { _ in
                let (base, new) = Self.pair(&chance, rounds: rounds)
                return Judgement.Question(
                    strategy: "x", figure: .purchasesPerSecond, base: base, new: new, isPaired: true)
            }
            if Judgement.all(questions, noiseFloor: 0).contains(where: { $0.adjustedP <= 0.05 }) {
                alarms += 1
            }
        }
        #expect(Double(alarms) / 1_000 <= 0.05 + 3 * (0.05 * 0.95 / 1_000).squareRoot())
    }

    @Test("finds the difference that it says it could show in 80 of 100 cases", arguments: [3, 5, 7])
    func power(rounds: Int) throws {
        for isPaired in [true, false] {
            var chance = Chance(seed: UInt64(rounds) + 40)
            func judged(_ effect: Double) -> Judgement {
                let (base, new) = Self.pair(&chance, rounds: rounds, effect: effect)
                return Judgement.all(
                    [
                        Judgement.Question(
                            strategy: "x", figure: .purchasesPerSecond, base: base, new: new,
                            isPaired: isPaired)
                    ], noiseFloor: 0)[0]
            }
            let printed = (0..<Self.sizeRuns).compactMap { _ in judged(1).detectable }
            // What is printed varies with the spread of the rounds; its square is right on average.
            let squares = printed.map { log(1 - $0) * log(1 - $0) }
            let effect = exp(-(squares.reduce(0, +) / Double(squares.count)).squareRoot())
            let found = (0..<Self.sizeRuns).count { _ in judged(effect).word == .slower }
            let share = Double(found) / Double(Self.sizeRuns)
            #expect((0.72...0.88).contains(share), "\(share), paired: \(isPaired), effect \(effect)")
        }
    }

    @Test("uses the rounds: what the machine does to a whole round hides nothing")
    func blocks() {
        // Seven rounds, correlated by 0.86 within a round, and one server a tenth slower.
        var chance = Chance(seed: 9)
        func found(isPaired: Bool) -> Double {
            let count = (0..<500).count { _ in
                let (base, new) = Self.pair(
                    &chance, rounds: 7, effect: 0.9, common: 0.05 * (0.86 / 0.14).squareRoot())
                let question = Judgement.Question(
                    strategy: "x", figure: .purchasesPerSecond, base: base, new: new, isPaired: isPaired)
                return Judgement.all([question], noiseFloor: 0.02)[0].word == .slower
            }
            return Double(count) / 500
        }
        let (paired, dealt) = (found(isPaired: true), found(isPaired: false))
        #expect(paired > 0.8 && dealt < 0.5, "\(paired) and \(dealt)")
    }

    @Test("Looks are few, and the last one is after the most rounds that were allowed")
    func looks() {
        #expect(Looks(first: 7, most: 40).rounds == [7, 9, 12, 16, 21, 28, 37, 40])
        #expect(Looks(first: 3, most: 6).rounds == [3, 4, 5, 6])
        #expect(Looks(first: 5, most: 5).rounds == [5])
    }

    @Test("holds the truth, and alarms no more than it may, when it goes on until its interval is narrow")
    func sequential() throws {
        var chance = Chance(seed: 12)
        let looks = Looks(first: 4, most: 16)
        var (held, alarms, early) = (0, 0, 0)
        for _ in 0..<Self.sizeRuns {
            let (base, new) = Self.pair(&chance, rounds: 16)
            for rounds in looks.rounds {
                let question = Judgement.Question(
                    strategy: "x", figure: .purchasesPerSecond, base: Array(base.prefix(rounds)),
                    new: Array(new.prefix(rounds)), isPaired: true)
                let judged = Judgement.all([question], noiseFloor: 0, looks: looks.count)[0]
                let interval = try #require(judged.interval)
                // Whoever stops as soon as something is found, too.
                let isFound = judged.adjustedP <= Judgement.alpha
                guard try #require(judged.width) <= 0.07 || isFound || rounds == 16 else { continue }
                if (interval.low...interval.high).contains(1) { held += 1 }
                if isFound { alarms += 1 }
                if rounds < 16 { early += 1 }
                break
            }
        }
        #expect(early > Self.sizeRuns / 4)
        #expect(Double(held) / Double(Self.sizeRuns) >= 0.93)
        #expect(Double(alarms) / Double(Self.sizeRuns) <= 0.05 + 0.027)
    }

    @Test("gives the p of Student's distribution, with whole and with broken degrees of freedom")
    func student() {
        // scipy.stats.t: sf(x, df) * 2, and ppf.
        for (t, degrees, p) in [
            (2.0, 5.0, 0.10193947882985835), (12.706204736432095, 1, 0.05), (0.5, 2.5, 0.6576979198697148),
            (4.0, 30, 0.0003818456360837564), (1.0, 1, 0.5), (0, 3, 1), (50, 2, 0.00039976015988808057),
        ] {
            #expect(abs(StudentT.twoSidedP(t, degrees: degrees) - p) < 1e-10, "\(t), \(degrees)")
            #expect(StudentT.twoSidedP(-t, degrees: degrees) == StudentT.twoSidedP(t, degrees: degrees))
        }
        for (degrees, limit) in [
            (1.0, 12.706204736174694), (2, 4.302652729749462), (6, 2.4469118511449692),
            (30, 2.0422724563012373),
        ] {
            #expect(abs(StudentT.limit(tails: 0.05, degrees: degrees) - limit) < 1e-8)
        }
        #expect(StudentT.twoSidedP(.infinity, degrees: 3) == 0)
    }

    @Test("counts all choices of signs, as counting by hand does")
    func signs() throws {
        // Of 8 choices only the two with equal signs are as far from 0.
        #expect(SignFlipTest.pValue([1, 2, 3]) == 0.25)
        #expect(SignFlipTest.pValue([1, -2, 3]) == 0.75)
        #expect(SignFlipTest.pValue([0, 0]) == 1)
        #expect(SignFlipTest.pValue([]) == nil)
        #expect(SignFlipTest.pValue([Double](repeating: 1, count: 21)) == nil)
        #expect(SignFlipTest.smallestP(rounds: 6) == 1.0 / 32)
        // scipy.stats.permutation_test of the same, permutation_type "samples".
        let p = try #require(SignFlipTest.pValue([0.11, -0.02, 0.07, 0.15, 0.04, -0.01, 0.09]))
        #expect(p == 8.0 / 128)
    }
}
