package import BenchStatistics

/// Two strategies of one run against each other, on what they sold in a closed load.
package struct PairJudgement: Sendable, Codable, Equatable {
    package var first: String
    package var second: String
    /// Judges the second strategy against the first.
    package var judgement: Judgement

    package init(first: String, second: String, judgement: Judgement) {
        self.first = first
        self.second = second
        self.judgement = judgement
    }

    /// Every pair of ranked strategies, judged together. Each round has all strategies, so the trials of a
    /// round are compared with each other.
    package static func all(_ results: RunResults, noiseFloor: Double) -> [PairJudgement] {
        let ranked = results.strategies.filter(\.isRanked).map(\.id)
        var pairs: [(String, String)] = []
        for (index, first) in ranked.enumerated() {
            for second in ranked[(index + 1)...] { pairs.append((first, second)) }
        }
        let questions = pairs.map { first, second in
            Judgement.Question(
                second, .purchasesPerSecond,
                base: FigureOfTrials(results, first, .purchasesPerSecond),
                new: FigureOfTrials(results, second, .purchasesPerSecond), isPaired: true)
        }
        // All or none: a pair that cannot be judged would shift the others.
        guard questions.allSatisfy({ !$0.base.isEmpty && !$0.new.isEmpty }) else { return [] }
        let judgements = Judgement.all(questions, noiseFloor: noiseFloor)
        return zip(pairs, judgements).map { PairJudgement(first: $0.0, second: $0.1, judgement: $1) }
    }
}
