import BenchModel
package import BenchStatistics

/// One figure of every trial of a strategy, with the round of each.
struct FigureOfTrials: Sendable {
    private(set) var values: [Double] = []
    private(set) var rounds: [Int] = []
    /// Trials that have no such figure: fewer than ten values lay beyond the percentile.
    private(set) var missing = 0

    init(_ results: RunResults, _ id: String, _ figure: Judgement.Figure) {
        let isOpen = figure == .responseP95
        let success = BuyerOutcome.success.rawValue
        for trial in results.trials where trial.strategy == id && !trial.isControl {
            guard trial.model.isOpen == isOpen else { continue }
            let value: Double? =
                switch figure {
                case .purchasesPerSecond: trial.purchasesPerSecond
                case .serviceP95: trial.latencyUs[success]?.p95
                case .responseP95: trial.responseUs[success]?.p95
                }
            guard let value else {
                missing += 1
                continue
            }
            values.append(value)
            rounds.append(trial.block)
        }
    }
}

extension Judgement.Question {
    /// - Parameter isPaired: Trials of one round are compared with each other, and a round that only one side
    ///   has is left out.
    init(
        _ strategy: String, _ figure: Judgement.Figure, base: FigureOfTrials, new: FigureOfTrials,
        isPaired: Bool
    ) {
        let isUnique = [base, new].allSatisfy { Set($0.rounds).count == $0.rounds.count }
        guard isPaired, isUnique else {
            self.init(strategy: strategy, figure: figure, base: base.values, new: new.values)
            return
        }
        let before = Dictionary(uniqueKeysWithValues: zip(base.rounds, base.values))
        let common = zip(new.rounds, new.values).compactMap { round, value in
            before[round].map { (base: $0, new: value) }
        }
        self.init(
            strategy: strategy, figure: figure, base: common.map(\.base), new: common.map(\.new),
            isPaired: true)
    }
}

extension RunResults {
    /// A figure of every trial of a strategy that has it.
    package func values(of figure: Judgement.Figure, _ strategy: String) -> [Double] {
        FigureOfTrials(self, strategy, figure).values
    }
}
