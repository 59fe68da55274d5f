import BenchResults
import BenchRun
import Testing

@testable import BenchAudit

@Suite("A bound of a check")
struct BoundTests {
    @Test(
        "holds up to its limit, and says how far a value went towards it",
        arguments: [
            (Bound.atMost(50), 25.0, true, 0.5), (.atMost(50), 50, true, 1), (.atMost(50), 60, false, 1.2),
            (.atMost(50), -3, true, 0), (.atMost(0), 1, false, 1e9),
            (.atLeast(10), 40, true, 0.25), (.atLeast(10), 5, false, 2), (.atLeast(0), 7, true, 0),
            (.atLeast(0), -1, false, 1e9), (.within(0.98...1.02), 1.01, true, 0.5),
            (.within(0.98...1.02), 1.04, false, 2), (.exactly(600), 600, true, 0),
            (.exactly(600), 601, false, 1e9),
        ])
    func strain(bound: Bound, value: Double, holds: Bool, strain: Double) {
        #expect(bound.holds(value) == holds)
        #expect(abs(bound.strain(value) - strain) < 1e-9 * max(strain, 1) + 1e-12)
    }
}

@Suite("The summary of a check over all trials")
struct CheckSummaryTests {
    private static func summary(
        _ change: (PlannedTrial, inout AuditFacts) -> Void
    ) throws -> [CheckSummary] {
        let plan = try RunResultsTests.plan("lua-atomic,setnx-spin")
        return RunResultsTests.results(plan, RunResultsTests.trials(plan, change: change)).checks
    }

    @Test("names the trial that came nearest to the limit, with its value")
    func nearest() throws {
        let all = try Self.summary { planned, facts in
            facts.generator?.lateness = [
                .init(figure: "p99", valueMs: 5, errorMs: Double(planned.order) / 10)
            ]
        }
        let lag = all.first { $0.id == "generator-lag" }
        #expect(lag?.worst?.value == "0.50 ms of the p99")
        #expect(lag?.worst?.order == 5)
        #expect(lag?.worst?.limit == "<= 1.00 ms (beside 5 ms)")
        #expect(lag?.passed == 4)
    }

    @Test("puts a failure before what could not be read, and that before what passed")
    func order() throws {
        let all = try Self.summary { planned, facts in
            if planned.order == 2 { facts.generator = nil }
            if planned.order == 3 { facts.generator?.sockets = 1000 }
            facts.notChecked["stationary"] = "out of sight"
        }
        #expect(all.first { $0.id == "generator-sockets" }?.worst?.order == 3)
        let unread = try Self.summary { planned, facts in
            if planned.order == 2 { facts.generator = nil }
        }
        #expect(unread.first { $0.id == "generator-sockets" }?.worst?.value == "-")
        #expect(all.first { $0.id == "stationary" }?.worst == nil)
    }
}
