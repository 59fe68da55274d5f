import BenchLoad
import BenchModel
import BenchResults
import BenchRun
import BenchStatistics
import NIOCore

/// Whether the judgement finds a difference that is there, and none where none is: the built-in server
/// against itself with the same delay, with a fifth more, and with a fifth less. Each comparison is made as
/// `compare --paired` makes its own: interleaved rounds, exact permutation test, noise floor.
extension SelfTest {
    /// How many comparisons are made, and of what.
    struct Comparisons: Sendable {
        var equal = 20
        /// Comparisons of each direction.
        var different = 10
        var rounds = 7
        var window = Duration.milliseconds(100)
        /// The base's delay.
        var delay = TimeAmount.milliseconds(3)

        static let few = Comparisons(equal: 5, different: 2)

        fileprivate let warmup = Duration.milliseconds(20)

        /// Setting up a trial takes some 20 ms more.
        var expectedTime: Duration {
            (window + warmup + .milliseconds(20)) * ((equal + 2 * different) * 2 * rounds)
        }
    }

    func judgement() async throws -> [Finding] {
        let equal = try await judgements(ofDelay: 1, comparisons.equal)
        let alarms = equal.count { $0.word == .faster || $0.word == .slower }
        let slower = try await judgements(ofDelay: 1.2, comparisons.different)
        let faster = try await judgements(ofDelay: 0.8, comparisons.different)
        return [
            Finding(
                what: "the same server against itself: alarms", value: "\(alarms) of \(equal.count)",
                expected: "<= \(equal.count / 5)", isRight: alarms <= equal.count / 5),
            Self.found(.slower, .regression, "20 % more delay", slower),
            Self.found(.faster, .good, "20 % less delay", faster),
        ]
    }

    private static func found(
        _ word: Judgement.Word, _ exit: BenchExit, _ change: String, _ judgements: [Judgement]
    ) -> Finding {
        let found = judgements.count { judgement in
            judgement.word == word && Comparison.end(of: [judgement], Thresholds()).0 == exit
        }
        let least = judgements.count * 9 / 10
        return Finding(
            what: "\(change) is called \(word.rawValue), and compare would end with \(exit.rawValue)",
            value: "\(found) of \(judgements.count)", expected: ">= \(least)", isRight: found >= least)
    }

    /// What is said of a server whose delay is so many times the base's.
    private func judgements(ofDelay factor: Double, _ count: Int) async throws -> [Judgement] {
        var judgements: [Judgement] = []
        var order = SplitMix64(seed: UInt64(factor * 100))
        for _ in 0..<count {
            var (base, new): ([Double], [Double]) = ([], [])
            for _ in 0..<comparisons.rounds {
                let isBaseFirst = Bool.random(using: &order)
                let first = try await rate(factor: isBaseFirst ? 1 : factor)
                let second = try await rate(factor: isBaseFirst ? factor : 1)
                base.append(isBaseFirst ? first : second)
                new.append(isBaseFirst ? second : first)
            }
            let question = Judgement.Question(
                strategy: "built-in", figure: .purchasesPerSecond, base: base, new: new)
            let floor = Thresholds().noiseFloorPercent / 100
            judgements += Judgement.all([question], noiseFloor: floor)
        }
        return judgements
    }

    private func rate(factor: Double) async throws -> Double {
        let delay = TimeAmount.nanoseconds(Int64(Double(comparisons.delay.nanoseconds) * factor))
        let load = DelayLoad(
            server: DelayPlan(delay: delay), users: 10,
            plan: LoadPlan(warmup: comparisons.warmup, duration: comparisons.window, drain: .seconds(1)))
        return try await load.run().purchasesPerSecond
    }
}
