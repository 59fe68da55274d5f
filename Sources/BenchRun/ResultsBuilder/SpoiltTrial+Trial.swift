import BenchLoad
import BenchResults
import LockStrategies

extension SpoiltTrial {
    /// - Parameter kept: Whether another attempt of the same place in the run counts.
    init(_ trial: FinishedTrial, kept: Bool) {
        let planned = trial.planned
        let books = trial.checks.filter { $0.kind == .correctness && $0.state != .notChecked }
        let isExact = books.allSatisfy { $0.state == .pass }
        self.init(
            strategy: planned.strategy.name, model: planned.model, users: planned.users,
            ratePerSecond: planned.rate, order: planned.order, block: planned.block, attempt: trial.attempt,
            causes: trial.spoilers.map { Cause(check: $0.id, value: $0.value, limit: $0.limit) },
            isLeftOut: !kept,
            isStockExact: books.contains { $0.state == .unknown } ? nil : isExact,
            purchasesPerSecond: trial.record.purchasesPerSecond)
    }

    /// One for each spoilt trial, in the order in which they ran.
    static func all(_ trials: [FinishedTrial]) -> [SpoiltTrial] {
        let kept = Set(trials.filter { !$0.isSpoilt }.map(\.planned.order))
        return trials.filter(\.isSpoilt).map { SpoiltTrial($0, kept: kept.contains($0.planned.order)) }
    }
}
