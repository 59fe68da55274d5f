/// A file of JUnit's kind: suites, and a case for each thing that was looked at.
struct JUnitDocument: Sendable {
    struct Case: Sendable {
        enum End: Sendable { case passed, failed, skipped }

        let name: String
        let end: End
        let message: String
    }

    let suites: [(name: String, cases: [Case])]

    var text: String {
        let all = suites.flatMap(\.cases)
        let head = "<testsuites name=\"lab-bench\" \(counts(all))>"
        let body = suites.map { suite in
            "  <testsuite name=\"\(HTML.escaped(suite.name))\" \(counts(suite.cases))>\n"
                + suite.cases.map { line($0, suite.name) }.joined() + "  </testsuite>\n"
        }
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(head)\n\(body.joined())</testsuites>\n"
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
