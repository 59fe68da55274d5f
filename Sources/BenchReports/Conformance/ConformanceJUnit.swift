package import BenchResults

/// `junit.xml` of a conformance run: a suite for each lock, a case for each clause. What is unknown fails,
/// because the run ends with 5 then. What is not applicable is skipped.
package struct ConformanceJUnit: Sendable {
    private let results: ConformanceResults

    package init(_ results: ConformanceResults) { self.results = results }

    package var text: String {
        JUnitDocument(
            suites: results.locks.map { lock in
                (lock.id, results.findings.filter { $0.lock == lock.id }.map(Self.line))
            }
        ).text
    }

    private static func line(_ finding: ConformanceResults.Finding) -> JUnitDocument.Case {
        let end: JUnitDocument.Case.End =
            switch finding.verdict {
            case .pass: .passed
            case .fail, .unknown: .failed
            case .notApplicable: .skipped
            }
        let head = (finding.verdict == .unknown ? "unknown: " : "") + (finding.reason ?? "")
        return .init(
            name: finding.clause, end: end,
            message: ([head] + finding.steps.map(\.sentence)).joined(separator: "\n"))
    }
}
