package import FaultAudit

/// What a drawing of calls shows: who bought when, what was broken meanwhile, and what the auditor says.
package struct CallScene: Sendable, Equatable {
    /// Milliseconds of the fault; nil: there is no moment at which it began.
    package var fault: ClosedRange<Double>?
    package var findings: [Auditor.Finding]
    package var operations: [FaultCell.Operation]
    /// From when milliseconds count.
    package var since: String

    package init(
        fault: ClosedRange<Double>?, findings: [Auditor.Finding], operations: [FaultCell.Operation],
        since: String = "the first call"
    ) {
        self.since = since
        self.fault = fault
        self.findings = findings
        self.operations = operations
    }
}

extension FaultCell.Try {
    package var scene: CallScene {
        CallScene(
            fault: struckMs...max(struckMs, healedMs), findings: findings, operations: operations)
    }
}

extension FaultCell.Operation {
    /// - Parameter start: The moment from which milliseconds count.
    package init(_ operation: History.Operation, from start: Int64, isProof: Bool) {
        func milliseconds(_ moment: Int64?) -> Double? { moment.map { Double($0 - start) / 1e6 } }
        self.init(
            id: operation.id, buyer: operation.buyer, process: operation.process,
            invokedMs: Double(operation.invoked - start) / 1e6,
            answeredMs: milliseconds(operation.answered), outcome: operation.outcome,
            holdFromMs: milliseconds(operation.hold?.from), holdUntilMs: milliseconds(operation.hold?.until),
            fence: operation.hold?.fence, isProof: isProof)
    }
}
