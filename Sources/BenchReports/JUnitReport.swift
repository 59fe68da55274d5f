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

    private struct Case: Sendable {
        enum End: Sendable { case passed, failed, skipped }

        let name: String
        let end: End
        let message: String
    }

    package var text: String {
        let suites =
            [(name: "verdict", cases: [verdict])]
            + results.strategies.map { (name: $0.id, cases: cases($0)) }
            + results.negativeControls.map { (name: $0.id, cases: [caught($0)]) }
        let all = suites.flatMap(\.cases)
        let head = "<testsuites name=\"lab-bench\" \(counts(all))>"
        let body = suites.map { suite in
            "  <testsuite name=\"\(HTML.escaped(suite.name))\" \(counts(suite.cases))>\n"
                + suite.cases.map { line($0, suite.name) }.joined() + "  </testsuite>\n"
        }
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(head)\n\(body.joined())</testsuites>\n"
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

    private func counts(_ cases: [Case]) -> String {
        "tests=\"\(cases.count)\" failures=\"\(cases.count { $0.end == .failed })\" "
            + "skipped=\"\(cases.count { $0.end == .skipped })\""
    }

    private func line(_ one: Case, _ suite: String) -> String {
        let start = "    <testcase classname=\"\(HTML.escaped(suite))\" name=\"\(HTML.escaped(one.name))\""
        switch one.end {
        case .passed: return start + "/>\n"
        case .failed: return start + "><failure message=\"\(HTML.escaped(one.message))\"/></testcase>\n"
        case .skipped: return start + "><skipped message=\"\(HTML.escaped(one.message))\"/></testcase>\n"
        }
    }
}
