import BenchLoad
import BenchModel
import HTTPTypes
import InventoryService
import LockStrategies
import Testing

@testable import BenchRun
@testable import LabServerKit

@Suite("An answer of the service in this process")
struct DirectAnswerTests {
    typealias Kind = PurchaseOutcome.Kind

    /// What the buyer makes of lab-server's answer.
    private func overHTTP(_ problem: Problem?) -> BuyerOutcome {
        BuyerOutcome(status: problem.map { Int($0.status.code) } ?? 200, problem: problem?.type ?? "")
    }

    @Test("has the outcome that it has over HTTP", arguments: Kind.allCases)
    func kinds(kind: Kind) {
        #expect(BuyerOutcome(kind) == overHTTP(ProblemTable.problem(for: kind)))
    }

    @Test("has the outcome that its error has over HTTP", arguments: InventoryError.Code.allCases)
    func errors(code: InventoryError.Code) {
        #expect(BuyerOutcome(code) == overHTTP(ProblemTable.problem(for: InventoryError(code, "why"))))
    }

    @Test("carries the service's own timings")
    func timings() {
        let evidence = Evidence(
            attempts: 3, waited: .microseconds(1500), held: .nanoseconds(2999), commandsSent: 4)
        var error = InventoryError(.leaseLost, "why")
        error.timings = PurchaseTimings(evidence: evidence, redis: .seconds(2), sql: .zero)
        let answer = DirectAnswer(.failure(error))
        #expect(answer.outcome == .unavailable)
        #expect(
            answer.timing
                == BenchLoad.ServerTiming(
                    parsing: "wait;dur=1.5, hold;dur=0.002, redis;dur=2000, sql;dur=0, "
                        + "attempts;desc=\"3\", commands;desc=\"4\""))
    }
}
