package import BenchModel
import Foundation

/// What can be said about a figure of two groups of trials.
package struct Judgement: Sendable, Codable, Equatable {
    package enum Word: String, Sendable, Codable, CaseIterable {
        case faster
        case slower
        /// Whatever the difference is, it is no slowdown beyond the limit.
        case notSlower = "not slower beyond the limit"
        case notSeparated = "not separated"
        case withinNoise = "within the noise floor"
        /// The base sold, and in some trial the new one sold nothing.
        case collapsed = "sold nothing"
        case tooFewRounds = "too few rounds"

        /// The rounds were enough to say something.
        package var isJudged: Bool { self != .tooFewRounds }
    }

    /// Where p comes from.
    package enum Method: String, Sendable, Codable, CaseIterable {
        case signFlips = "sign flips of paired rounds (exact)"
        case pairedT = "t of paired rounds"
        case permutation = "permutation of trials (exact)"
        case welchT = "Welch's t"
        case none = "none"
    }

    /// One figure of one strategy, before and after; each value is that of a trial.
    package struct Question: Sendable {
        package let strategy: String
        package let figure: Figure
        package let base: [Double]
        package let new: [Double]
        /// The values at one place of both were measured in one round.
        package let isPaired: Bool

        package init(
            strategy: String, figure: Figure, base: [Double], new: [Double], isPaired: Bool = false
        ) {
            self.strategy = strategy
            self.figure = figure
            self.base = base
            self.new = new
            self.isPaired = isPaired
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

    package static let alpha = 0.05

    package var strategy: String
    package var figure: Figure
    /// Geometric means of the trials; medians in results of before version 2.4.
    package var base: Double
    package var new: Double
    /// Medians of the trials, for whoever knows results of before. Nothing is judged by them.
    package var baseMedian: Double
    package var newMedian: Double
    /// New to base (``LogRatio``).
    package var ratio: Double
    @OrNull package var interval: RatioInterval?
    package var method: Method
    package var p: Double
    /// After Holm's correction over the strategies, for this figure.
    package var adjustedP: Double
    package var word: Word
    /// Trials of the smaller side.
    package var rounds: Int
    /// The change for the worse, as a share, that would have been found in 80 of 100 such comparisons.
    @OrNull package var detectable: Double?
    /// Fewer are judged by nothing; for whoever knows results of before.
    package var roundsNeeded = LogRatio.leastTrials

    /// `lua-atomic (purchases/s)`
    package var name: String { "\(strategy) (\(figure.name))" }

    /// Above 1 when the new one is better.
    package var better: Double { figure.isRate ? ratio : 1 / ratio }

    /// How far the interval reaches from the ratio, as a share of it; nil where there is no interval.
    package var width: Double? {
        interval.map { max($0.high / ratio - 1, 1 - $0.low / ratio) }
    }

    /// The bad end of the interval of ``better``; 0 where there is no interval.
    package var leastBetter: Double {
        interval.map { figure.isRate ? $0.low : 1 / $0.high } ?? 0
    }

    /// The good end of it.
    package var mostBetter: Double {
        interval.map { figure.isRate ? $0.high : 1 / $0.low } ?? .infinity
    }
}

extension Judgement {
    /// Judges all questions, each figure by itself: purchases/s and p95 of a closed load are nearly one
    /// quantity, and whoever asks about both shall not pay twice.
    ///
    /// - Parameters:
    ///   - noiseFloor: A ratio nearer to 1 than this means nothing on this machine.
    ///   - limit: The slowdown, as a share, that is a regression; nil where nothing is before or after.
    ///   - looks: How often the trials may be judged before the last of them is run.
    package static func all(
        _ questions: [Question], noiseFloor: Double, limit: Double? = nil, looks: Int = 1
    ) -> [Judgement] {
        let asked = questions.map { question in
            LogRatio(base: question.base, new: question.new, isPaired: question.isPaired)
        }
        var judgements = questions.indices.map { Judgement(questions[$0], asked[$0], looks: looks) }
        for figure in Figure.allCases {
            let family = questions.indices.filter { questions[$0].figure == figure && asked[$0] != nil }
            let level = alpha / Double(max(family.count, 1) * max(looks, 1))
            for index in family {
                let (method, p) = chance(questions[index], asked[index], level: level)
                (judgements[index].method, judgements[index].p) = (method, p)
                judgements[index].detectable = asked[index].map { 1 - 1 / $0.detectable(alpha: level) }
            }
            for (index, p) in zip(family, Holm.adjusted(family.map { judgements[$0].p })) {
                judgements[index].adjustedP = min(1, p * Double(max(looks, 1)))
                judgements[index].word = judgements[index].word(noiseFloor, limit)
            }
        }
        return judgements
    }

    /// Without a chance or a word.
    private init(_ question: Question, _ asked: LogRatio?, looks: Int) {
        (strategy, figure) = (question.strategy, question.figure)
        (base, new) = (Self.middle(question.base), Self.middle(question.new))
        (baseMedian, newMedian) = (Self.median(question.base), Self.median(question.new))
        ratio = asked?.ratio ?? (base > 0 ? new / base : 1)
        interval = asked?.interval(confidence: LogRatio.confidence(looks: looks))
        (method, p, adjustedP) = (.none, 1, 1)
        rounds = min(question.base.count, question.new.count)
        let hasStopped =
            question.figure.isRate && question.new.contains(0) && Spread.median(question.base) > 0
        word = hasStopped ? .collapsed : .tooFewRounds
        if hasStopped { ratio = 0 }
        detectable = nil
    }

    private static func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : Spread.median(values) }

    /// The geometric mean; 0 where a trial has 0.
    private static func middle(_ values: [Double]) -> Double {
        guard !values.isEmpty, values.allSatisfy({ $0 > 0 }) else { return 0 }
        return exp(values.reduce(0) { $0 + log($1) } / Double(values.count))
    }

    /// By what needs no assumption, where that can tell a difference at this level at all; else by t.
    private static func chance(
        _ question: Question, _ asked: LogRatio?, level: Double
    ) -> (Method, Double) {
        guard let asked else { return (.none, 1) }
        let (base, new) = (question.base.map { log($0) }, question.new.map { log($0) })
        if question.isPaired, base.count == new.count {
            if SignFlipTest.smallestP(rounds: base.count) <= level,
                let p = SignFlipTest.pValue(zip(base, new).map { $1 - $0 })
            {
                return (.signFlips, p)
            }
            return (.pairedT, asked.p)
        }
        if PermutationTest.smallestP(base.count, new.count) <= level,
            let p = PermutationTest.pValue(base, new)
        {
            return (.permutation, p)
        }
        return (.welchT, asked.p)
    }

    /// The methods of these, in words.
    package static func methods(of judgements: some Sequence<Judgement>) -> String {
        let used = Set(judgements.map(\.method)).subtracting([.none])
        return Method.allCases.filter(used.contains).map(\.rawValue).joined(separator: ", ")
    }

    private func word(_ floor: Double, _ limit: Double?) -> Word {
        let isSmall = abs(better - 1) <= floor
        let excludesOne = leastBetter > 1 || mostBetter < 1
        if adjustedP <= Self.alpha, excludesOne, !isSmall { return better > 1 ? .faster : .slower }
        if leastBetter >= 1 - floor, mostBetter <= 1 + floor { return .withinNoise }
        if let limit, leastBetter >= 1 - limit { return .notSlower }
        return .notSeparated
    }
}

extension Judgement {
    private enum CodingKeys: String, CodingKey {
        case strategy, figure, ratio, interval, method, p, adjustedP, word, rounds, detectable
        case base = "baseMean"
        case new = "newMean"
        case baseMedian, newMedian, roundsNeeded
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        strategy = try values.decode(String.self, forKey: .strategy)
        figure = try values.decode(Figure.self, forKey: .figure)
        ratio = try values.decode(Double.self, forKey: .ratio)
        interval = try values.decodeIfPresent(RatioInterval.self, forKey: .interval)
        p = try values.decode(Double.self, forKey: .p)
        adjustedP = try values.decode(Double.self, forKey: .adjustedP)
        word = try values.decode(Word.self, forKey: .word)
        // Results of before version 2.4 judged medians.
        baseMedian = try values.decode(Double.self, forKey: .baseMedian)
        newMedian = try values.decode(Double.self, forKey: .newMedian)
        base = try values.decodeIfPresent(Double.self, forKey: .base) ?? baseMedian
        new = try values.decodeIfPresent(Double.self, forKey: .new) ?? newMedian
        method = try values.decodeIfPresent(Method.self, forKey: .method) ?? .none
        rounds = try values.decodeIfPresent(Int.self, forKey: .rounds) ?? 0
        roundsNeeded = try values.decode(Int.self, forKey: .roundsNeeded)
        detectable = try values.decodeIfPresent(Double.self, forKey: .detectable)
    }
}
