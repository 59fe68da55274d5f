import BenchModel
package import BenchResults

/// What a run of the fault lab says on a terminal when it ends.
package struct FaultText: Sendable {
    private let answer: FaultAnswer

    package init(_ results: FaultResults) {
        answer = FaultAnswer(matrix: FaultMatrix(results))
    }

    /// What broke each strategy, then what it comes to.
    package var lines: [String] {
        let width = answer.lines.map(\.strategy.count).max() ?? 0
        return answer.lines.map { "\($0.strategy.padding(to: width))  \($0.words)" }
            + answer.warnings + ["\(answer.word): \(answer.sentence)"]
    }
}
