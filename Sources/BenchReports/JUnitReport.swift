import BenchModel
package import BenchResults

/// `junit.xml`: a suite for each strategy, a case for each check and target, and one for the verdict, as CI
/// systems read them. A failure is what the exit code means: a run that ends with 0 has none, any other one
/// has at least the verdict's. A target that no threshold asks for is skipped where it is missed, with what
/// was measured.
package struct JUnitReport: Sendable {
    private let results: RunResults

    package init(_ results: RunResults) {
        self.results = results
    }

    private typealias Case = JUnitDocument.Case

    package var text: String {
        let suites =
            [(name: "verdict", cases: [verdict])]
            + results.strategies.map { (name: $0.id, cases: cases($0)) }
            + results.negativeControls.map { (name: $0.id, cases: [caught($0)]) }
        return JUnitDocument(suites: suites).text
    }

    private var verdict: Case {
        Case(
            name: "the run ends with \(BenchExit.good.rawValue)",
            end: results.verdict.exit == .good ? .passed : .failed,
            message: "\(results.verdict.word) (\(results.verdict.exit.rawValue)): \(results.verdict.sentence)"
        )
    }

    private func cases(_ strategy: StrategyResult) -> [Case] {
        let trials = results.trials.filter { $0.strategy == strategy.id }
        let checks = trials.flatMap { trial in
            trial.checks.map { check in
                Case(
                    name: "trial \(trial.order): \(check.id)",
                    end: check.state == .pass ? .passed : check.state == .fail ? .failed : .skipped,
                    message: "\(check.statement): \(check.value), must be \(check.limit)")
            }
        }
        let targets = strategy.targets.map { target in
            Case(
                name: "target: \(target.name)",
                end: target.isFailure ? .failed : target.isMet == true ? .passed : .skipped,
                message: "\(target.measured), must be \(target.limit)"
                    + (target.isDemanded == true ? "" : " (no threshold asks for it)"))
        }
        let spoilt = (results.spoilt ?? []).filter { $0.strategy == strategy.id }.map { trial in
            Case(
                name: "trial \(trial.order), attempt \(trial.attempt)", end: .skipped,
                message: "\(trial.isLeftOut ? "left out" : "run again"): \(trial.why)")
        }
        return checks + targets + spoilt
    }

    private func caught(_ control: ControlResult) -> Case {
        Case(
            name: "the negative control is caught",
            end: control.isCaught.map { $0 ? .passed : .failed } ?? .skipped,
            message: "no check turned red")
    }
}
