import BenchModel
import BenchStatistics

/// What two results can be asked, trial by trial, and what they cannot.
struct Questions: Sendable {
    private(set) var questions: [Judgement.Question] = []
    /// Each with its reason.
    private(set) var leftOut: [String] = []
    /// What the base has and the new results do not have, and what cannot be judged for another reason.
    private(set) var unanswered: [String] = []

    init() {}

    init(_ base: RunResults, _ new: RunResults) {
        let (before, after) = (base.strategies.map(\.id), new.strategies.map(\.id))
        unanswered = before.filter { !after.contains($0) }
        leftOut += unanswered.map { "\($0): only in the base" }
        leftOut += after.filter { !before.contains($0) }.map { "\($0): only in the new results" }
        let rates = [base, new].map { results in
            Set(results.trials.compactMap { $0.offer?.ratePerSecond }).sorted()
        }
        let isOfferEqual = rates[0] == rates[1]
        if !isOfferEqual, rates.allSatisfy({ !$0.isEmpty }) {
            let words = rates.map { $0.map { Text.number($0) }.joined(separator: ", ") }
            leftOut.append(
                "the open load: offered were \(words[0]) and \(words[1]) purchases/s (fix it by --rate)")
        }
        let isPaired = base.run.pair != nil && base.run.pair == new.run.pair
        for id in before where after.contains(id) {
            for figure in Judgement.Figure.allCases where isOfferEqual || figure != .responseP95 {
                ask(id, figure, base, new, isPaired)
            }
        }
    }

    private mutating func ask(
        _ id: String, _ figure: Judgement.Figure, _ base: RunResults, _ new: RunResults, _ isPaired: Bool
    ) {
        let (before, after) = (FigureOfTrials(base, id, figure), FigureOfTrials(new, id, figure))
        let question = Judgement.Question(id, figure, base: before, new: after, isPaired: isPaired)
        let trials = min(question.base.count, question.new.count)
        let name = "\(id), \(figure.name)"
        if question.new.isEmpty != question.base.isEmpty {
            let side = question.new.isEmpty ? "new results" : "base"
            leftOut.append("\(name): no trial of the \(side) counts")
            if question.new.isEmpty { unanswered.append(name) }
        }
        for (side, figures) in [("base", before), ("new results", after)] where figures.missing > 0 {
            leftOut.append(
                "\(name): \(figures.missing) trials of the \(side) have none, because they sold too little")
            if !figures.values.isEmpty { unanswered.append(name) }
        }
        // One open trial beside several closed ones says nothing.
        if trials == 1 && figure == .responseP95 {
            leftOut.append("\(name): one trial (--open-rounds)")
        } else if trials > 0 {
            if question.base.contains(0) {
                leftOut.append("\(name): the base sold nothing in some trial")
                unanswered.append(name)
            }
            questions.append(question)
        }
    }
}
