import BenchLoad
import BenchModel
import BenchResults
import BenchRun
import BenchStatistics
import NIOCore

/// Whether the judgement finds a difference that is there, and none where none is: the built-in server
/// against itself with the same delay, with a fifth more, and with a fifth less. Each comparison is made as
/// `compare --paired` makes its own: interleaved rounds, each against its own, noise floor.
extension SelfTest {
    /// How many comparisons are made, and of what.
    struct Comparisons: Sendable {
        var equal = 60
        /// Of these, so that they take no minute; chance is chance at any length.
        var equalWindow = Duration.milliseconds(40)
        /// Comparisons of each direction.
        var different = 10
        var rounds = 7
        var window = Duration.milliseconds(100)
        /// The base's delay.
        var delay = TimeAmount.milliseconds(3)

        static let few = Comparisons(equal: 20, different: 2)

        fileprivate let warmup = Duration.milliseconds(20)

        /// Setting up a trial takes some 20 ms more.
        var expectedTime: Duration {
            (equalWindow + warmup + .milliseconds(20)) * (equal * 2 * rounds)
                + (window + warmup + .milliseconds(20)) * (2 * different * 2 * rounds)
        }
    }

    func judgement() async throws -> [Finding] {
        let equal = try await judgements(ofDelay: 1, comparisons.equal, window: comparisons.equalWindow)
        let alarms = equal.count { $0.word == .faster || $0.word == .slower }
        let slower = try await judgements(ofDelay: 1.2, comparisons.different, window: comparisons.window)
        let faster = try await judgements(ofDelay: 0.8, comparisons.different, window: comparisons.window)
        return [
            Finding(
                what: "the same server against itself: alarms", value: "\(alarms) of \(equal.count)",
                expected: "<= \(Self.mostAlarms(of: equal.count))",
                isRight: alarms <= Self.mostAlarms(of: equal.count)),
            Self.found(.slower, .regression, "20 % more delay", slower),
            Self.found(.faster, .good, "20 % less delay", faster),
        ]
    }

    /// A tenth. With 60 comparisons an alarm rate of 5 % passes in 97 of 100 cases, one of 20 % in 3 of 100.
    private static func mostAlarms(of count: Int) -> Int { max(count / 10, 3) }

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
    private func judgements(
        ofDelay factor: Double, _ count: Int, window: Duration
    ) async throws -> [Judgement] {
        var judgements: [Judgement] = []
        var order = SplitMix64(seed: UInt64(factor * 100))
        for _ in 0..<count {
            var (base, new): ([Double], [Double]) = ([], [])
            for _ in 0..<comparisons.rounds {
                let isBaseFirst = Bool.random(using: &order)
                let first = try await rate(factor: isBaseFirst ? 1 : factor, window)
                let second = try await rate(factor: isBaseFirst ? factor : 1, window)
                base.append(isBaseFirst ? first : second)
                new.append(isBaseFirst ? second : first)
            }
            let question = Judgement.Question(
                strategy: "built-in", figure: .purchasesPerSecond, base: base, new: new, isPaired: true)
            let limits = Thresholds()
            judgements += Judgement.all(
                [question], noiseFloor: limits.noiseFloorPercent / 100,
                limit: limits.regressionPercent / 100)
        }
        return judgements
    }

    private func rate(factor: Double, _ window: Duration) async throws -> Double {
        let delay = TimeAmount.nanoseconds(Int64(Double(comparisons.delay.nanoseconds) * factor))
        let load = DelayLoad(
            server: DelayPlan(delay: delay), users: 10,
            plan: LoadPlan(warmup: comparisons.warmup, duration: window, drain: .seconds(1)))
        return try await load.run().purchasesPerSecond
    }
}
