import BenchModel
import BenchStatistics

/// What two results can be asked, trial by trial, and what they cannot.
struct Questions: Sendable {
    private(set) var questions: [Judgement.Question] = []
    /// Each with its reason.
    private(set) var leftOut: [String] = []
    /// What the base has and the new results do not have.
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
        for id in before where after.contains(id) {
            for figure in Judgement.Figure.allCases where isOfferEqual || figure != .responseP95 {
                ask(id, figure, base, new)
            }
        }
    }

    private mutating func ask(
        _ id: String, _ figure: Judgement.Figure, _ base: RunResults, _ new: RunResults
    ) {
        let question = Judgement.Question(
            strategy: id, figure: figure, base: Comparison.values(base, id, figure),
            new: Comparison.values(new, id, figure))
        let trials = min(question.base.count, question.new.count)
        let name = "\(id), \(figure.name)"
        if question.new.isEmpty != question.base.isEmpty {
            let side = question.new.isEmpty ? "new results" : "base"
            leftOut.append("\(name): no trial of the \(side) counts")
            if question.new.isEmpty { unanswered.append(name) }
        }
        // One open trial beside several closed ones says nothing, and would make the others harder to tell.
        if trials == 1 && figure == .responseP95 {
            leftOut.append("\(name): one trial (--open-rounds)")
        } else if trials > 0 {
            questions.append(question)
        }
    }
}
