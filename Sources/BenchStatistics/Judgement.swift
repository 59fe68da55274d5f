package import BenchModel

/// What can be said about a figure of two groups of trials.
package struct Judgement: Sendable, Codable, Equatable {
    package enum Word: String, Sendable, Codable, CaseIterable {
        case faster
        case slower
        case notSeparated = "not separated"
        case withinNoise = "within the noise floor"
        case tooFewRounds = "too few rounds"
    }

    /// One figure of one strategy, before and after; each value is that of a trial.
    package struct Question: Sendable {
        package let strategy: String
        package let figure: Figure
        package let base: [Double]
        package let new: [Double]

        package init(strategy: String, figure: Figure, base: [Double], new: [Double]) {
            self.strategy = strategy
            self.figure = figure
            self.base = base
            self.new = new
        }
    }

    /// What is compared.
    package enum Figure: String, Sendable, Codable, CaseIterable {
        case purchasesPerSecond = "purchases_per_second"
        case serviceP95 = "service_p95_us"
        case responseP95 = "response_p95_us"

        /// More of it is better.
        package var isRate: Bool { self == .purchasesPerSecond }

        package var name: String {
            switch self {
            case .purchasesPerSecond: "purchases/s"
            case .serviceP95: "p95 service (closed)"
            case .responseP95: "p95 response (open)"
            }
        }
    }

    static let alpha = 0.05

    package var strategy: String
    package var figure: Figure
    package var baseMedian: Double
    package var newMedian: Double
    /// New to base.
    package var ratio: Double
    @OrNull package var interval: Bootstrap.Interval?
    package var p: Double
    /// After Holm's correction over all that is judged together.
    package var adjustedP: Double
    package var word: Word
    /// Rounds from which on a difference of this many comparisons can be told at all.
    package var roundsNeeded: Int

    package init(
        strategy: String, figure: Figure, baseMedian: Double, newMedian: Double, ratio: Double,
        interval: Bootstrap.Interval?, p: Double, adjustedP: Double, word: Word, roundsNeeded: Int
    ) {
        self.strategy = strategy
        self.figure = figure
        self.baseMedian = baseMedian
        self.newMedian = newMedian
        self.ratio = ratio
        self.interval = interval
        self.p = p
        self.adjustedP = adjustedP
        self.word = word
        self.roundsNeeded = roundsNeeded
    }

    /// `lua-atomic (purchases/s)`
    package var name: String { "\(strategy) (\(figure.name))" }

    /// Above 1 when the new one is better.
    package var better: Double { figure.isRate ? ratio : 1 / ratio }

    /// The bad end of the interval of ``better``; 0 where there is no interval.
    package var leastBetter: Double {
        interval.map { figure.isRate ? $0.low : 1 / $0.high } ?? 0
    }

    /// Judges all questions together, each by its own rounds.
    ///
    /// - Parameter noiseFloor: A ratio nearer to 1 than this means nothing on this machine.
    package static func all(_ questions: [Question], noiseFloor: Double) -> [Judgement] {
        let able = questions.filter { question in
            [question.base, question.new].allSatisfy { !$0.isEmpty && Bootstrap.middle($0) > 0 }
        }
        let pValues = able.map { PermutationTest.pValue($0.base, $0.new) }
        let family = family(of: able)
        let corrected = Dictionary(
            uniqueKeysWithValues: zip(family, Holm.adjusted(family.map { pValues[$0] })))
        let needed = PermutationTest.roundsNeeded(comparisons: able.count, alpha: alpha)
        return able.indices.map { index in
            let question = able[index]
            let base = Bootstrap.middle(question.base)
            let new = Bootstrap.middle(question.new)
            let interval = Bootstrap.ratioOfMedians(question.base, question.new)
            // Outside the family it is corrected for everything that was asked, and judged by nothing.
            let p = corrected[index] ?? min(1, pValues[index] * Double(able.count))
            return Judgement(
                strategy: question.strategy, figure: question.figure, baseMedian: base, newMedian: new,
                ratio: new / base, interval: interval, p: pValues[index], adjustedP: p,
                word: word(
                    better: question.figure.isRate ? new / base : base / new, interval, p,
                    isEnough: corrected[index] != nil, noiseFloor),
                roundsNeeded: needed)
        }
    }

    /// The questions that are corrected for one another (Holm): those whose rounds can tell a difference at
    /// all, beside the others of the family. A figure of few rounds neither takes from the others nor decides
    /// for them.
    ///
    /// - Returns: Their places.
    package static func family(of questions: [Question]) -> [Int] {
        let smallest = questions.map { PermutationTest.smallestP($0.base.count, $0.new.count) }
        var family = Array(questions.indices)
        while let worst = family.map({ smallest[$0] }).max(), worst > alpha / Double(family.count) {
            family.removeAll { smallest[$0] == worst }
        }
        return family
    }

    /// - Parameter better: Above 1 when the new one is better.
    private static func word(
        better: Double, _ interval: Bootstrap.Interval?, _ p: Double, isEnough: Bool, _ floor: Double
    ) -> Word {
        if !isEnough { return .tooFewRounds }
        let isSmall = abs(better - 1) <= floor
        if p <= alpha { return isSmall ? .withinNoise : better > 1 ? .faster : .slower }
        if let interval, interval.low >= 1 - floor, interval.high <= 1 + floor { return .withinNoise }
        return .notSeparated
    }
}
